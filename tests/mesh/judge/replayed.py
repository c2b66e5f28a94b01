"""Has a real Envoy serve requests and log them, replays its log, and compares; `replay` calls it."""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import secrets
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import callers
from compare import answers
from logs import replay, write
from waypost import PROGRAM

CHANGED = 20  # meshes that are not those of their logs
DENIED = re.compile(r"rbac_access_denied_matched_policy\[([^\"]*?)\](?=[\" ,]|$)")


class Count:
    """What came of all logs."""

    def __init__(self, show):
        self.show, self.wrong, self.notes = show, [], []
        self.by, self.unknown, self.lines, self.rules = collections.Counter(), collections.Counter(), 0, set()

    def expect(self, holds, what):
        if not holds:
            self.wrong.append(what)

    def case(self, case, judged, log, report):
        kind, name = case["id"].rpartition("-")[0], case["id"]
        lines = log.splitlines()
        refused = collections.Counter(rule for line in lines for rule in DENIED.findall(line))
        served = collections.Counter(r["policy"] for r in judged["results"] if r["verdict"] == "deny" and r.get("policy"))
        # the log has what Envoy answered, and nothing else
        self.expect(refused == served, f"{name}: Envoy refused {dict(served)} and logged {dict(refused)}")
        asked = report["requests"]
        self.expect(asked == len(lines), f"{name}: {len(lines)} lines, and {asked} requests were asked about: {report['unread']}")
        for row in report["disagrees"]:
            self.expect(False, f"{name}: {row['from']} to {row['to']}, {row['request']}: log {row['log']}; simulator {row['now']}")
        unknown = sum(u["requests"] for u in report["unknown"])
        for u in report["unknown"]:
            self.unknown[u["reason"]] += u["requests"]
        self.lines += len(lines)
        self.rules |= set(refused)
        self.by[kind] += asked - unknown
        self.by["refused"] += sum(r["requests"] for r in report["disagrees"])

    def print(self):
        for what in self.wrong[: self.show]:
            print("---", what)
        answered = sum(n for kind, n in self.by.items() if kind != "refused")
        print("; ".join(f"{kind} {n}" for kind, n in sorted(self.by.items()) if kind != "refused"))
        print("no answer:", dict(self.unknown.most_common()))
        print(f"{self.lines} lines, {answered} answered, {len(self.rules)} rules that refused, {len(self.wrong)} disagreements")
        return answered


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--judge", required=True)
    a.add_argument("--envoy", required=True)
    a.add_argument("--seed", type=int, default=None, help="another one each time unless given")
    a.add_argument("--cases", type=int, default=350)
    a.add_argument("--requests", type=int, default=80, help="of each case")
    a.add_argument("--show", type=int, default=10, help="disagreements to print")
    a.add_argument("--keep", help="a new folder for cases, answers and Envoy's files")
    o = a.parse_args()
    seed = secrets.randbelow(1 << 31) if o.seed is None else o.seed
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(o.keep or temporary)
        sys.exit(0 if run(o, work, seed) else 1)


def run(o, work, seed):
    logs, own = work / "logs", work / "judge"
    for folder in (work, logs, own):
        folder.mkdir(mode=0o700, exist_ok=True)
    print(f"replay: seed {seed}, {o.cases} cases of {o.requests} requests; {PROGRAM}", flush=True)
    made = list(callers.cases(random.Random(seed), o.cases, o.requests))
    listing = work / "cases.jsonl"
    with open(listing, "w") as f:
        f.writelines(json.dumps(case) + "\n" for case, _ in made)
    judged, judge_took = answers([o.judge, "-parallel", "16", "-envoy", o.envoy, "-work", str(own), "-traffic", str(logs)], listing, work / "judge.jsonl")
    begin, count = time.monotonic(), Count(o.show)
    taken = []
    for case, objects in made:
        one, log = judged[case["id"]], logs / (case["id"] + ".log")
        if one.get("rejected"):
            count.expect(False, f"{case['id']}: Envoy did not take it: {one['rejected']}")
        # what the webhook refuses is in no cluster
        elif all(said.startswith("warning: ") for said in one.get("validation", {}).values()) and log.exists():
            write(work / "worlds" / case["id"], objects)
            taken.append((case, objects, one, log))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        reports = pool.map(lambda t: replay(work / "worlds" / t[0]["id"], t[3]), taken)
        for (case, _, one, log), report in zip(taken, reports, strict=True):
            count.case(case, one, log.read_text(), report)
    noticed, without = notices(work, taken)
    answered = count.print()
    print(f"{noticed} of {without} meshes without a policy that refused were told from those that the logs are of")
    print(f"Envoy {judge_took:.0f} s, replays {time.monotonic() - begin:.0f} s")
    return answered > 0 and not count.wrong and noticed * 2 > without > 0


def notices(work, taken):
    """A policy that refused somebody is taken out of the mesh: how often the log disagrees then."""
    noticed = without = 0
    for case, objects, one, log in taken:
        rules = [re.match(r"ns\[(.*?)\]-policy\[(.*?)\]-rule", r.get("policy", "")) for r in one["results"] if r["verdict"] == "deny"]
        rule = next((rule for rule in rules if rule), None)
        if rule is None or without == CHANGED:
            continue
        folder = work / "changed" / case["id"]
        write(folder, [x for x in objects if (x["metadata"].get("namespace"), x["metadata"]["name"]) != rule.groups()])
        without += 1
        noticed += bool(replay(folder, log)["disagrees"])
    return noticed, without


if __name__ == "__main__":
    main()
