"""The forms of the guide that differ from what Flux is told by default."""

import os
import threading
import time

import yaml
from waypost import key

from . import docs, live
from .flux import Flux
from .planted import NAMESPACE

# what the guide calls the registry
PRINTED_REGISTRY = "registry.example.com"
# how long the Kustomization above is held back, for what it applies to come last
HELD_BACK = 5
# a waypoint as TSB makes it, and how many seconds it thinks first
WAYPOINT = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "waypoint", "namespace": "client", "labels": {"istio.io/waypoint-for": "all"}},
    "spec": {"gatewayClassName": "istio-waypoint", "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}]},
}
SLOW = 5


class OneSource(Flux):
    """Lists of health checks, and so one source with the Kustomization above, which the first unit waits for."""

    def tell(self):
        fields, patches, entries = docs.block("flux.md", "kind: GitRepository, name: flux-system").partition("  patches:\n")
        self.repository.edit(r"    flux:\n", fields)
        self.repository.patches(patches + entries)

    def announce(self, units_first=False):
        """The units read a commit before the Kustomization above does: always, since that is what it is for."""
        self.type("flux suspend kustomization flux-system")
        super().announce()
        time.sleep(HELD_BACK)
        self.type("flux resume kustomization flux-system")


class Older(OneSource):
    """The lists of a Flux before 2.9. Its controller ends a check when there is a new commit."""

    name, flags = "flux-2.8", ("--feature-gates=CancelHealthCheckOnNewRevision=true",)
    parts, faults = ("faults", "order"), ("never_programmed",)
    # a check is ended before it fails
    cancels_checks, lists = True, None
    # the list comes, but late: then it waits for a waypoint that nobody makes ready
    settles_broken = False
    keeps_order = {"depends-on-above": [r"(?s)\n  patches:.*", ("{kind: Gateway, name: waypoint}", "{op: replace, path: /spec/gatewayClassName, value: nobody}")]}

    def tell(self):
        super().tell()
        self.repository.edit(r'version: "2.9"', 'version: "2.8"')


class TsbWaypoints(OneSource):
    """TSB makes a waypoint once its namespace is labelled, and labels that for it. The driver is TSB, and slow."""

    name = "flux-tsb-waypoints"
    parts, stages, at_once, drifts = ("story",), ("client",), ("client",), False
    makes_waypoints_late, made_beside = True, frozenset({key(WAYPOINT)})

    def tell(self):
        super().tell()
        self.repository.edit(r"  injectionLabel: ", "  ownership: {waypoints: tsb}\n  injectionLabel: ")

    def settle(self, commit):
        ended = threading.Event()
        tsb = threading.Thread(target=self.play_tsb, args=(ended,), daemon=True)
        tsb.start()
        try:
            super().settle(commit)
        finally:
            ended.set()
            tsb.join()

    def play_tsb(self, ended):
        while not ended.wait(0.2):
            is_wanted = live.is_ambient(self.plane.get(NAMESPACE))
            is_there = bool(self.plane.list(WAYPOINT["apiVersion"], WAYPOINT["kind"], WAYPOINT["metadata"]["namespace"]))
            if is_wanted and not is_there and not ended.wait(SLOW):
                self.plane.create(WAYPOINT)
                self.use_waypoint(WAYPOINT["metadata"]["name"])
            elif is_there and not is_wanted:
                self.use_waypoint(None)
                self.plane.request("DELETE", self.plane.path_of(WAYPOINT))

    def use_waypoint(self, name):
        self.plane.merge(NAMESPACE, {"metadata": {"labels": {live.WAYPOINT: name}}})


class OciArtifact(Flux):
    """The tree as an artifact in a registry, pushed by whoever merges."""

    name, applied = "flux-oci", "lastAppliedOriginRevision"
    parts, stages, at_once, drifts = ("story",), ("client",), ("client",), False

    def tell(self):
        self.repository.edit(r"# source:", "source:")
        self.repository.git("remote", "add", "origin", self.repository.url)

    def printed(self, containing):
        with open(os.path.join(self.plane.folder, "registry")) as file:
            return docs.block("flux.md", containing).replace(PRINTED_REGISTRY, file.read().strip())

    def adopt(self, repository):
        """The guide's source, which the Kustomization above reads too."""
        self.type(self.printed("flux push artifact"))
        self.source = yaml.safe_load(self.printed("kind: OCIRepository\n"))
        self.plane.create(self.source)
        self.begin(self.source["kind"], self.source["metadata"]["name"])

    def announce(self, units_first=False):
        """Pushes the commit, and tells the source."""
        self.type(self.printed("flux push artifact"))
        self.ask(self.source)
