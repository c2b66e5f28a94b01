"""One fault: it is pushed, looked at, and repaired by a commit that brings the tree of before."""

import subprocess
import time

from waypost import shown

from . import cluster, live

# how long nothing must have happened, for what is held back to count as held back
HELD = 15
# what makes and unmakes its own
FLEETING = {"Pod", "ReplicaSet", "ControllerRevision"}


class Fault:
    """`with Fault(story, "what it is") as fault:` begins and ends with everything applied."""

    def __init__(self, story, name):
        self.story, self.name = story, name
        self.plane, self.report, self.applier, self.repository = story.plane, story.report, story.applier, story.repository

    def __enter__(self):
        self.base = self.repository.git("rev-parse", "HEAD")
        self.before, self.begin = cluster.everything(self.plane), time.monotonic()
        return self

    def __exit__(self, kind, *_):
        if kind:
            return
        self.nothing_is_gone()
        self.repository.git("read-tree", "-u", "--reset", self.base)
        commit = self.repository.commit(f"as before: {self.name}")
        repaired = time.monotonic()
        self.story.wants(commit)
        self.applier.announce()
        self.applier.settle(commit)
        self.story.rest()
        self.repaired_after = time.monotonic() - repaired
        print(f"   {self.name}: {repaired - self.begin:.0f} s; as before after {self.repaired_after:.0f} s", flush=True)
        self.report.count("faults")

    def expect(self, holds, otherwise):
        return self.report.expect(holds, f"{self.applier.name}, {self.name}: {otherwise}")

    def push(self):
        """Commits the work tree and tells the applier."""
        commit = self.repository.commit(self.name)
        try:
            self.story.wants(commit)
        except subprocess.CalledProcessError:
            # nothing can be built of it, so that nothing can be wanted
            pass
        self.applier.announce()
        return commit

    def held(self, unit, *words):
        """Waits until the applier says of a unit what stops it, and shows it."""
        said = self.applier.until_says(unit, words)
        print(f"   {self.name}: {unit}: {said}", flush=True)

    def nothing_is_labelled(self):
        """No namespace becomes ambient for a while, whatever somebody types who goes on as the guide says."""
        labelled = ambient(self.before.values())
        person = self.applier.go_on()
        end = time.monotonic() + HELD
        while time.monotonic() < end:
            now = ambient({"kind": "Namespace", **n} for n in self.plane.list("v1", "Namespace"))
            if not self.expect(now <= labelled, f"{', '.join(sorted(now - labelled))} became ambient"):
                break
            time.sleep(0.5)
        if person:
            person.stop()

    def nothing_is_gone(self):
        """Everything that lived before is the same object now."""
        after = cluster.everything(self.plane)
        for k, o in self.before.items():
            if k[1] in FLEETING or k[2] == self.applier.namespace:
                continue
            is_there = k in after and after[k]["metadata"]["uid"] == o["metadata"]["uid"]
            self.expect(is_there, f"{shown(k)} was deleted")


def ambient(objects):
    return {o["metadata"]["name"] for o in objects if o["kind"] == "Namespace" and live.is_ambient(o)}
