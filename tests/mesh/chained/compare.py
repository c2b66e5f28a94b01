"""Where real requests end, and who the server sees: real Envoys chained on loopback against the simulator, over seeded meshes; then
what these Envoys log, replayed. `run` calls it."""

import argparse
import collections
import os
import pathlib
import random
import shlex
import sys
import tempfile
import time

import broken
import logged
from answers import answers
from meshes import World
from tell import shows, tell


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=12, help="meshes (default: 12)")
    parser.add_argument("--broken", choices=broken.HOW, help="only this, as a run that fails: tell the simulator of something else")
    parser.add_argument("--keep", help="a new folder for Envoy's configuration and logs")
    parser.add_argument("--chained", required=True, help="the command that runs Envoys")
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--simulator", required=True, help="the command that asks the simulator")
    options = parser.parse_args()
    simulator, begin = shlex.split(options.simulator), time.monotonic()
    worlds = [World(random.Random(f"chained {options.seed} {n}"), n) for n in range(options.cases)]
    cases = [w.case() for w in worlds]
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(options.keep or temporary)
        work.mkdir(exist_ok=True)
        real = answers([*shlex.split(options.chained), "-envoy", options.envoy, "-work", str(work)], cases)
        for theirs in (r for r in real if r.get("error")):
            print(f"{theirs['id']}: {theirs['error'][:600]}")
        told = [broken.broken(options.broken, c) for c in cases] if options.broken else cases
        counts = collections.Counter()
        differing = compared(cases, real, answers(simulator, told), counts)
        differing += logged.replayed(work, told, real, counts)
        shown = {}
        if not options.broken:
            shown = shows(cases, lambda told: compared(cases, real, answers(simulator, told), collections.Counter()))
            shown["policies-ignored"] = len(logged.replayed(work, [logged.without_policies(c) for c in cases], real, collections.Counter()))
    held = tell(options, begin, counts, differing, shown)
    return 0 if held and counts["requests"] and counts["lines of logs with an answer"] and not counts["meshes that were not made"] else 1


def compared(cases, real, ours, counts):
    """The disagreements."""
    found = []
    for case, theirs, own in zip(cases, real, ours, strict=True):
        if theirs.get("error"):
            counts["meshes that were not made"] += 1
            continue
        counts["meshes"] += 1
        names = {p["ip"]: f"{p['namespace']}/{p['name']}" for p in case["pods"]}
        for ask, a, b in zip(case["asks"], theirs.get("answers") or [], own["answers"], strict=True):
            counts["requests"] += 1
            why = difference(ask, a, b, names, counts)
            if why:
                client = case["clients"][ask["client"]]
                found.append(f"{case['id']}: {client['namespace']}/{client['name']} to {ask}: {why}; Envoys {a}, waypost {b['walks']} by {b['sends']}")
    return found


def difference(ask, real, own, names, counts):
    """What of two answers differs; None when nothing does."""
    walks = own["walks"]
    if any(w["verdict"] == "unknown" for w in walks):
        counts["that waypost does not know"] += 1
        return None
    # what an application does not answer is tried again
    hits = [hit for hit in real["ended"] if not is_noise(hit, own, names)]
    ended = {hit["pod"] for hit in hits}
    if len(ended) > 1 and any(hit["kind"] != "tls" for hit in hits):
        return "it ends at several"
    if not ended and real["said"] == "404":
        # on ports without a protocol istiod's routes do not always know the name that the port is reached by
        counts["not decided: no virtual host matched"] += 1
        return None
    if not ended:
        counts["that end nowhere"] += 1
        refused = not walks or any(w["verdict"] != "allow" for w in walks)
        return None if refused else "it ends nowhere"
    reached = [w for w in walks if w["to"] in ended]
    if len(reached) < len(ended):
        return "it ends at somebody else"
    counts["that get through"] += 1
    if any(w["verdict"] != "allow" for w in reached):
        return "it gets through"
    if hits[-1]["kind"] != "http":
        return None
    identity = hits[-1].get("identity", "")
    counts["that get through as somebody" if identity else "that get through as nobody"] += 1
    # only a sidecar says who calls
    seen = (reached[0]["identity"] or "").removeprefix("spiffe://")
    return None if seen == identity else "it is seen as somebody else"


def is_noise(hit, own, names):
    """The mesh's TLS, which no application has a use for."""
    how = {h for to, h in own["sends"].items() if names.get(to.rsplit(":", 1)[0]) == hit["pod"]}
    return hit["kind"] == "tls" and how == {"mtls"}


if __name__ == "__main__":
    sys.exit(main())
