"""Somebody changes the cluster by hand: what the guides say of it."""

import time

import lived
from control_plane import wait_until

from .live import AMBIENT, labels
from .planted import NAMESPACE, POLICY

# a label of somebody else
THEIRS = "example.com/cost-center"


def run(story):
    """A label of theirs stays, what is ours comes back: by itself or when somebody syncs."""
    plane, applier, report = story.plane, story.applier, story.report
    plane.kubectl("label", "namespace", "client", f"{THEIRS}=4711")
    plane.kubectl("label", "namespace", "client", f"{AMBIENT}-")
    policy = plane.get(POLICY)["spec"]
    changed = plane.merge(POLICY, {"spec": {"rules": [{}]}})["spec"]
    report.expect(changed != policy, f"{applier.name}: the policy was not changed")
    begin = time.monotonic()
    applier.notice()
    healed = wait_until("the policy to be as rendered", lambda: plane.get(POLICY)["spec"] == policy)
    report.expect(healed, f"{applier.name}: a policy that was changed by hand stays changed")
    print(f"\n   a policy that was changed by hand is as rendered after {time.monotonic() - begin:.0f} s", flush=True)
    if applier.waits_for_somebody:
        applier.until_says("enrollment", ("OutOfSync",))
        report.expect(AMBIENT not in labels(plane.get(NAMESPACE)), f"{applier.name}: a label of unit enrollment came back without anybody")
        applier.again()
    wait_until("the label to be back", lambda: labels(plane.get(NAMESPACE)).get(AMBIENT) == "ambient")
    print(f"   a label that was taken away is back after {time.monotonic() - begin:.0f} s", flush=True)
    report.expect(labels(plane.get(NAMESPACE)).get(THEIRS) == "4711", f"{applier.name}: a label of somebody else is gone")
    plane.kubectl("label", "namespace", "client", f"{THEIRS}-")
    restarted_once(story)
    report.count("changes by hand", 4)


def restarted_once(story):
    """`kubectl rollout restart` restarts pods once: the annotation that it sets is nobody else's."""
    story.plane.kubectl("rollout", "restart", "deployment/sleep", "-n", "client")
    story.rest()
    pods = {p["metadata"]["uid"] for p in lived.pods(story.plane, ["client"])}
    story.applier.again()
    story.rest()
    after = {p["metadata"]["uid"] for p in lived.pods(story.plane, ["client"])}
    story.report.expect(pods == after, f"{story.applier.name}: pods that were restarted by hand restart again")
