"""What a part found: counts, disagreements, time."""

import sys
import time
from collections import Counter


class Report:
    """Counts and disagreements of one part. The first disagreements are shown as they are found."""

    SHOWN = 40

    def __init__(self, part):
        self.part, self.counts, self.disagreements, self.begin = part, Counter(), [], time.monotonic()
        print(f"\n== {part}", flush=True)

    def count(self, what, number=1):
        self.counts[what] += number

    def expect(self, holds, otherwise):
        """Notes a disagreement unless it holds."""
        if not holds:
            self.disagreements.append(otherwise)
            if len(self.disagreements) <= self.SHOWN:
                print(f"DISAGREE {otherwise}", flush=True)
        return holds

    def end(self):
        """The part's line; true when all agreed."""
        more = len(self.disagreements) - self.SHOWN
        if more > 0:
            print(f"DISAGREE and {more} more")
        counts = ", ".join(f"{n} {what}" for what, n in self.counts.items())
        print(f"{self.part}: {counts}; {len(self.disagreements)} disagreements; {time.monotonic() - self.begin:.0f} s", flush=True)
        sys.stdout.flush()
        return not self.disagreements
