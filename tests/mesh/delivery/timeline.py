"""What became true when, of recorded changes."""

from waypost import key, shown

from .live import has_sidecar, is_of_workload, truths


class Timeline:
    """Follows recorded changes; each comes once."""

    def __init__(self):
        self.live, self.taken = {}, 0

    def lines(self, events):
        """Lines for what is new among the events so far: when, what, what is true of it now."""
        for event in events:
            if event["rv"] <= self.taken:
                continue
            self.taken = event["rv"]
            yield from self.line(event)

    def line(self, event):
        o = event["object"]
        k, gone = key(o), event["type"] == "DELETED"
        before, now = self.live.get(k), None if gone else truths(o)
        self.live[k] = now
        if o["kind"] == "Pod":
            if before is None and not gone and is_of_workload(o):
                yield f"{event['at']:8.1f} s  {shown(k)} begins {'with' if has_sidecar(o) else 'without'} a sidecar"
        elif gone:
            yield f"{event['at']:8.1f} s  {shown(k)} is gone"
        else:
            new = [f"{what} {value or 'no'}" for what, value in now.items() if (value or None) != ((before or {}).get(what) or None)]
            if new:
                yield f"{event['at']:8.1f} s  {shown(k)}: {', '.join(new)}"
