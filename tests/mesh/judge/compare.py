"""Runs the judge and the simulator over the same cases and compares every decision; `run` calls it."""

import argparse
import collections
import json
import pathlib
import re
import secrets
import shlex
import subprocess
import sys
import tempfile
import time

import generate
import probes


def answers(command, cases, out):
    started = time.monotonic()
    with open(cases) as r, open(out, "w") as w:
        subprocess.run(command, stdin=r, stdout=w, check=True)
    with open(out) as f:
        return {a["id"]: a for a in map(json.loads, f)}, time.monotonic() - started


def difference(request, judged, simulated):
    """What of two answers differs; None when nothing does."""
    if judged["verdict"] != simulated["verdict"]:
        return "verdict"
    # the simulator says which policy asks, and no more about what passes on the word of an authorizer
    if simulated.get("asked") or judged.get("asked") and judged["verdict"] == "allow":
        same = simulated.get("asked") and judged.get("asked", "").startswith(simulated["asked"])
        return None if same else "authorizer"
    judged_rule, simulated_rule = judged.get("policy"), simulated.get("policy")
    # Envoy does not tell which rule let a connection pass
    silent = judged["verdict"] == "allow" and not judged.get("status")
    return None if silent or judged_rule == simulated_rule else "rule"


class Count:
    def __init__(self, show):
        self.show, self.all, self.undecided, self.rejected = show, collections.Counter(), collections.Counter(), []
        self.different = []

    def case(self, case, judged, simulated):
        kind = re.fullmatch(r"([a-z-]+)-[0-9]+", case["id"])
        kind = kind[1] if kind else "probe"
        if judged.get("rejected"):
            self.rejected.append(f"{case['id']}: {judged['rejected']}")
            return
        for request, j, s in zip(case["requests"], judged["results"], simulated["results"], strict=True):
            if j["verdict"] == "error":
                self.undecided[j.get("status") or j.get("details", "")[:60]] += 1
                continue
            self.all[kind, request.get("protocol", "http"), j["verdict"]] += 1
            what = difference(request, j, s)
            if what:
                self.different.append({"case": case, "request": request, "judge": j, "simulator": s, "what": what})

    def print(self):
        for d in self.different[: self.show]:
            case, j, s = d["case"], d["judge"], d["simulator"]
            print(f"--- {case['id']}: Envoy says {j['verdict']} {j.get('policy', '')}, the simulator {s['verdict']} {s.get('policy', '')}")
            print("   ", json.dumps(d["request"]))
            print("   ", j.get("details", ""), json.dumps(j.get("seen", {})))
            print("    mesh:", case.get("mesh", ""), json.dumps(case["workload"]))
            for o in case["objects"].split("\n---\n"):
                if "security.istio.io" in o:
                    print("   ", o)
        for line in self.rejected[: self.show]:
            print("--- not judged:", line)
        by_kind = collections.Counter()
        for (kind, protocol, _), n in self.all.items():
            by_kind[f"{kind} {protocol}"] += n
        verdicts = collections.Counter()
        for (_, _, verdict), n in self.all.items():
            verdicts[verdict] += n
        print("; ".join(f"{k} {n}" for k, n in sorted(by_kind.items())))
        print("; ".join(f"{k} {n}" for k, n in sorted(verdicts.items())))
        if self.undecided:
            print("Envoy refused before deciding:", dict(self.undecided.most_common(8)))
        print(f"{sum(self.all.values())} decisions, {len(self.different)} disagreements, {len(self.rejected)} cases that Envoy did not take")

    def failed(self):
        return bool(self.different or self.rejected or not self.all)


def record(path, versions, cases, judged):
    """Writes cases with what Envoy said, for those who have no Envoy."""
    with open(path, "w") as f:
        f.write(json.dumps(versions) + "\n")
        for case in cases:
            results = [{k: r[k] for k in ("verdict", "policy", "asked", "status") if r.get(k)} for r in judged[case["id"]]["results"]]
            f.write(json.dumps({**case, "results": results}) + "\n")


def compare(o, work, name, cases):
    listing = work / f"{name}.jsonl"
    cases = list(cases)
    with open(listing, "w") as f:
        f.writelines(json.dumps(c) + "\n" for c in cases)
    own = work / name
    own.mkdir(mode=0o700)
    judged, judge_took = answers([o.judge, "-seen", "-parallel", "16", "-envoy", o.envoy, "-work", own], listing, work / f"{name}.judge")
    simulated, took = answers(shlex.split(o.simulator), listing, work / f"{name}.simulator")
    if o.record and name == "probes":
        record(o.record, {"envoy": o.envoy_version, "istio": o.istio_version}, cases, judged)
    count = Count(o.show)
    for case in cases:
        count.case(case, judged[case["id"]], simulated[case["id"]])
    count.print()
    print(f"Envoy {judge_took:.0f} s, simulator {took:.0f} s")
    return not count.failed()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--judge", required=True)
    a.add_argument("--envoy", required=True)
    a.add_argument("--simulator", required=True)
    a.add_argument("--seed", type=int, default=None, help="another one each time unless given")
    a.add_argument("--cases", type=int, default=2800)
    a.add_argument("--requests", type=int, default=20, help="of each case")
    a.add_argument("--show", type=int, default=5, help="disagreements to print in full")
    a.add_argument("--no-probes", action="store_true")
    a.add_argument("--envoy-version")
    a.add_argument("--istio-version")
    a.add_argument("--record", help="the file that holds what Envoy said about the probes")
    a.add_argument("--keep", help="a new folder for cases, answers and Envoy's files")
    o = a.parse_args()
    seed = secrets.randbelow(1 << 31) if o.seed is None else o.seed
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(o.keep or temporary)
        work.mkdir(exist_ok=True)
        ok = True
        if not o.no_probes:
            print("judge: probes")
            ok = compare(o, work, "probes", probes.cases())
        if o.cases:
            print(f"judge: seed {seed}, {o.cases} cases of {o.requests} requests", flush=True)
            ok = compare(o, work, "random", generate.cases(seed, o.cases, o.requests)) and ok
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
