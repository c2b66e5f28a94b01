"""What sidecars send: istiod's own listeners, routes, clusters and endpoints against the simulator, over seeded meshes;
`run` calls it. Then the simulator is told of something else, which must show."""

import argparse
import collections
import random
import shlex
import sys
import time

import broken
import generate
from answers import answers
from redirected import redirected
from tell import shows, tell

# meshes that are asked about at a time
TOGETHER = 100


def arrives(world, sends):
    """What arrives where, after the node has chosen an endpoint for an address of a Service."""
    found = {}
    for to, how in sends.items():
        address, port = to.rsplit(":", 1)
        service = next((s for s in world.services if s["ip"] == address), None)
        if not service:
            found[to] = how
            continue
        target = next((t for _, p, t in service["ports"] if p == int(port)), None)
        found |= {f"{pod['ip']}:{target}": how for pod in service["pods"] if target}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=200, help="meshes (default: 200, about 30,000 connections)")
    parser.add_argument("--broken", choices=broken.HOW, help="only this, as a run that fails: tell the simulator of something else")
    parser.add_argument("--istiod", required=True, help="the program that asks istiod's code")
    parser.add_argument("--simulator", required=True, help="the command that asks the simulator")
    options = parser.parse_args()
    simulator = shlex.split(options.simulator)
    counts, differing, begin = collections.Counter(), [], time.monotonic()
    shown = {}
    for first in range(0, options.cases, TOGETHER):
        numbers = range(first, min(first + TOGETHER, options.cases))
        worlds = [generate.World(random.Random(f"outbound {options.seed} {n}"), n) for n in numbers]
        cases = [w.case() for w in worlds]
        istiods = answers([options.istiod], cases)
        told = [broken.broken(options.broken, c) for c in cases] if options.broken else cases
        differing += compared(worlds, cases, istiods, answers(simulator, told), counts)
        if first == 0 and not options.broken:
            shown = shows(cases, lambda told: compared(worlds, cases, istiods, answers(simulator, told), collections.Counter()))
    held = tell(options, begin, counts, differing, shown)
    return 0 if held and counts["connections"] and not counts["meshes that istiod did not take"] else 1


def compared(worlds, cases, istiods, ours, counts):
    """The disagreements."""
    found = []
    for world, case, theirs, own in zip(worlds, cases, istiods, ours, strict=True):
        if theirs.get("error"):
            counts["meshes that istiod did not take"] += 1
            print(f"{case['id']}: {theirs['error'][:300]}")
            continue
        counts["meshes"] += 1
        # a mesh without a sidecar asks nothing
        for ask, a, b in zip(case["asks"], theirs.get("answers", []), own["answers"], strict=True):
            found += compare(world, case, ask, a, b, counts)
    return found


def compare(world, case, ask, theirs, own, counts):
    client = case["clients"][ask["client"]]
    counts["connections"] += 1
    if not redirected(client["annotations"], ask["address"], ask["port"]):
        counts["connections past the sidecar"] += 1
        expected = arrives(world, {f"{ask['address']}:{ask['port']}": "plain"})
    elif theirs.get("error"):
        # a protocol that the listener does not take, or no route
        counts[f"not decided: {theirs['error']}"] += 1
        return []
    else:
        expected = arrives(world, theirs["sends"])
        counts[f"by {theirs.get('type') or 'a direct answer'}"] += 1
    said = own["sends"]
    for how in said.values():
        counts[f"endpoints {how}"] += 1
    if said == expected:
        return []
    who = f"{client['namespace']}/{client['name']} (HBONE {client['hbone']})"
    return [f"{case['id']}: {who} to {ask}: waypost says {said}, istiod {expected} by {theirs.get('cluster')}"]


if __name__ == "__main__":
    sys.exit(main())
