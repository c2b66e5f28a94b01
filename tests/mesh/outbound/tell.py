"""What a comparison came to, and whether it could have failed."""

import time

import broken

SHOWN = 10


def shows(cases, compared):
    """How many disagreements each way of being wrong brings; `compared` gives those of the cases as the simulator is told of them."""
    return {name: len(compared([broken.broken(name, c) for c in cases])) for name in broken.HOW}


def tell(options, begin, counts, differing, shown):
    """Prints all of it: true where nothing differs and every way of being wrong shows."""
    for line in differing[:SHOWN]:
        print(line)
    for what, count in sorted(counts.items()):
        print(f"  {count:6} {what}")
    print(f"  {len(differing):6} disagreements; seed {options.seed}, {time.monotonic() - begin:.0f} s")
    for name, count in shown.items():
        print(f"  {count:6} disagreements where it is broken on purpose, {name}{'' if count else ': THIS DOES NOT SHOW'}")
    return not differing and all(shown.values())
