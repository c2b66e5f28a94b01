"""A person with kubectl: what docs/by-hand.md says is run as it stands there, for one stage after the other."""

import re
import threading
import time

import lived

from . import docs
from .applier import Applier
from .person import Typed
from .verified import verify

# the stage that the guide's commands are for
STAGE = "httpbin"


class ByHand(Applier):
    """No applier: one stage a commit, forth and back."""

    name, namespace, watched = "by-hand", None, None
    parts, drifts = ("story",), False
    # the stages that are one commit
    at_once = ("client", "httpbin", "bookinfo")

    def __init__(self, plane):
        self.plane = plane
        self.forth = docs.block("by-hand.md", "apply platform")
        self.back = docs.block("by-hand.md", "istio.io/dataplane-mode-")
        self.functions = "".join(line + "\n" for line in self.forth.splitlines() if re.match(r"unit=|\w+\(\)", line))
        # what is there at every stage, and is there already
        self.all = self.functions + "".join(line + "\n" for line in self.forth.splitlines() if re.match(r"(apply|patch) \w", line))

    def prepare(self, repository):
        """Before the first commit: nobody else applies it."""
        repository.edit(r"targets: .*", "targets: [flux]")

    def adopt(self, repository):
        self.repository = repository

    def merged(self, units_first=False):
        """Nobody listens."""

    def settle(self, commit):
        """What a person types who has pulled a commit."""
        stage, _, step = self.repository.reached().partition("/")
        if step:
            self.type(self.functions + self.back.replace(STAGE, stage))
        elif self.is_new(stage):
            self.type(self.forth.replace(STAGE, stage))
        else:
            self.type(self.all)
            self.delete_what_is_foreign()

    def is_new(self, stage):
        """True where a stage's workloads have not restarted yet."""
        return stage != "none" and any(f["code"] == "stale-object" for f in verify(self.plane, self.repository)[2])

    def again(self):
        self.type(self.all)

    def type(self, script):
        """Runs commands while istio-cni does its work."""
        ended = threading.Event()
        cni = threading.Thread(target=self.play, args=(ended,), daemon=True)
        cni.start()
        try:
            Typed(script, self.repository.folder, KUBECONFIG=self.plane.kubeconfig).succeed()
        finally:
            ended.set()
            cni.join()

    def play(self, ended):
        while not ended.is_set():
            namespaces = ["client", "httpbin", "bookinfo"]
            lived.end_at_once(self.plane, lived.pods(self.plane, namespaces))
            lived.play_cni(self.plane, namespaces)
            time.sleep(0.2)

    def delete_what_is_foreign(self):
        """Nothing prunes: what has left the tree is deleted as verify says."""
        for finding in verify(self.plane, self.repository)[2]:
            if finding["code"] == "foreign-object":
                command = re.search(r"`(kubectl delete [^`]+)`", finding["help"])
                self.type(command[1])
