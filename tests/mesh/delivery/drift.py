"""Somebody changes the cluster by hand: what the guides say of it."""

import time

import lived
from control_plane import wait_until

from . import docs
from .live import AMBIENT, labels
from .planted import NAMESPACE, POLICY

# a label of somebody else
THEIRS = "example.com/cost-center"
RESTART = docs.typed("flux.md", "kubectl rollout restart")


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
    # the annotation that it sets is nobody else's
    report.expect(not restarts_again(story, RESTART.replace("NAME", "sleep")), f"{applier.name}: pods that were restarted by hand restart again")
    report.count("changes by hand", 4)


def restarts_again(story, command):
    """True where pods of the namespace that somebody restarts by hand are restarted by the applier too."""
    before = uids(story)
    story.plane.kubectl(*command.replace("-n NS", "-n client").split()[1:])
    story.rest()
    pods = uids(story)
    story.report.expect(pods != before, f"`{command}` restarts nothing")
    story.applier.again()
    story.rest()
    return uids(story) != pods


def uids(story):
    return {p["metadata"]["uid"] for p in lived.pods(story.plane, ["client"])}
