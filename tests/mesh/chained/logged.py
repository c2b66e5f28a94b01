"""What the Envoys of a mesh log about the requests that they served, replayed in it."""

import json

import logs


def replayed(work, cases, real, counts):
    """The lines that waypost does not agree with."""
    found = []
    for case, theirs in zip(cases, real, strict=True):
        written = sorted((work / case["id"]).glob("*/access.log"))
        if theirs.get("error") or not written:
            continue
        folder = work / "worlds" / case["id"]
        logs.write(folder, [*objects(case), logs.config(json.loads(case["mesh"]))])
        report = logs.replay(folder, *written)
        counts["lines of logs"] += report["lines"]
        for unknown in report["unknown"]:
            counts[f"lines of logs without an answer: {unknown['reason']}"] += unknown["requests"]
        counts["lines of logs with an answer"] += report["same"]
        found += [f"{case['id']}: nobody reads {unread}" for unread in report["unread"]]
        found += [f"{case['id']}: {row['from']} to {row['to']}, {row['request']}: log {row['log']}; waypost {row['now']}" for row in report["disagrees"]]
    return found


def objects(case):
    return [json.loads(o) for o in case["objects"].split("\n---\n")]


def without_policies(case):
    """The same mesh without what refuses: its logs are of another one then."""
    kept = [o for o in objects(case) if o["kind"] != "AuthorizationPolicy"]
    return case | {"objects": "\n---\n".join(json.dumps(o) for o in kept)}
