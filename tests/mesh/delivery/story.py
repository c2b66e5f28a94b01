"""The brownfield example from nothing migrated to the end and back, applied by an applier, by commits."""

import contextlib
import json
import time

import crds
import lived
import yaml
from waypost import inventory, key, shown

from . import cluster, drift, live, order
from .repository import Repository
from .timeline import Timeline
from .verified import verify
from .watches import KINDS, Watches

ENVIRONMENT = "brownfield"
# each a namespace and a stage of its own
NAMESPACES = ["client", "httpbin", "bookinfo"]
# what TSB's installation makes
MADE_BEFORE = ["tsb", "gitops"]
# as docs/night.md says: the labels and restarts first, the waypoint and policies after them
BACK = ["bookinfo/mesh", "httpbin", "httpbin/mesh", "client", "client/mesh", "none"]


class Story:
    """An applier that has adopted the example, and everything that has happened since."""

    def __init__(self, plane, report, applier, repository, watches):
        self.plane, self.report, self.applier, self.repository, self.watches = plane, report, applier, repository, watches
        self.timeline, self.commits, self.objects = Timeline(), [], {}
        # commits whose order was broken on purpose
        self.broken = set()

    def begin(self):
        """What users have: workloads that `kubectl apply` made, with sidecars, and a repository that was adopted."""
        # what was there before is no news
        list(self.timeline.lines(self.watches.events()))
        self.applier.prepare(self.repository)
        commit = self.repository.reach("none")
        self.applier.adopt(self.repository)
        self.follow(commit, "none")

    def reach(self, point, units_first=False):
        """One commit, from pushing it until the applier is done, and what it changed; gives its name."""
        commit = self.repository.reach(point)
        self.follow(commit, point, units_first)
        return commit

    def forth_and_back(self):
        """The whole story."""
        for stage in self.applier.stages:
            if stage in self.applier.at_once:
                # what applies the units reads it before what says how they are applied
                self.reach(stage, units_first=True)
            else:
                for point in (f"{stage}/mesh", f"{stage}/enrollment", stage):
                    self.reach(point)
            if stage == "client" and self.applier.drifts:
                drift.run(self)
        for point in BACK[BACK.index(f"{stage}/mesh") :]:
            self.reach(point)

    def follow(self, commit, what, units_first=False):
        begin, old, before = time.monotonic(), self.objects, cluster.everything(self.plane)
        self.wants(commit)
        self.applier.merged(units_first)
        self.applier.settle(commit)
        self.rest()
        took = time.monotonic() - begin
        after = cluster.everything(self.plane)
        print(f"\n   {what} ({commit[:7]}): {took:.0f} s", flush=True)
        for line in self.timeline.lines(self.watches.events()):
            print(f"   {line}")
        self.outside(what, old, before, after)
        self.unchanged(what, after)
        self.verified(what)
        self.report.count("commits")

    def wants(self, commit):
        """What the work tree holds is wanted from now on."""
        self.objects, policies = self.repository.objects(), {}
        for namespace, name in ((k[2], k[3]) for k in self.objects.get("mesh", {}) if k[1] == "AuthorizationPolicy"):
            policies.setdefault(namespace, []).append(name)
        events = self.watches.events()
        self.commits.append({"rv": events[-1]["rv"] if events else 0, "commit": commit, "policies": policies, "late": self.applier.makes_waypoints_late})

    def rest(self):
        """Waits until pods are as they should be, and does what istio-cni would."""
        lived.until_rolled_out(self.plane, NAMESPACES)
        lived.play_cni(self.plane, NAMESPACES)

    def outside(self, what, old, before, after):
        """Nothing has changed that is not in the commit, or made of it."""
        allowed = {k for unit in self.objects.keys() | old.keys() for k in changed(old.get(unit, {}), self.objects.get(unit, {}))} | self.applier.made_beside
        for k in cluster.changed(before, after):
            mine = k[2] == self.applier.namespace
            self.report.expect(mine or cluster.follows(k, allowed, before, after), f"{self.applier.name}, {what}: {shown(k)} has changed, which is in no unit of the commit")
        self.report.count("objects looked at", len(after))

    def unchanged(self, what, before):
        """Applied once more, nothing changes at all."""
        self.applier.again()
        after = cluster.everything(self.plane)
        for k in before.keys() | after.keys():
            is_told = k[2] == self.applier.namespace or cluster.is_lease(after.get(k))
            versions = [objects[k]["metadata"]["resourceVersion"] if k in objects else "nothing" for objects in (before, after)]
            self.report.expect(is_told or versions[0] == versions[1], f"{self.applier.name}, {what}: {shown(k)} changes when it is applied again")

    def verified(self, what):
        """`waypost verify` finds nothing wrong in dumps of now."""
        code, rows, findings = verify(self.plane, self.repository)
        said = "; ".join(f["message"] for f in findings) or "; ".join(str(r) for r in rows)
        self.report.expect(code == 0 and not rows, f"{self.applier.name}, {what}: verify ends with {code}: {said}")

    def in_order(self):
        """Nothing has come too early; gives what was recorded."""
        records = self.commits + self.watches.events()
        for fault in order.violations(records):
            self.report.expect(fault[:7] in self.broken, f"{self.applier.name}: {fault}")
        return records

    def end(self, keep=None):
        """The last look at the order."""
        records = self.in_order()
        self.report.count("changes recorded", len(records))
        if keep:
            with open(keep, "w") as file:
                file.writelines(json.dumps(trimmed(r)) + "\n" for r in records)


def changed(old, new):
    return {k for k in old.keys() | new.keys() if old.get(k) != new.get(k)}


def trimmed(record):
    """A record with no more than `order.py` reads."""
    if "commit" in record:
        return record
    o = record["object"]
    metadata = {k: o["metadata"][k] for k in ("name", "namespace", "generation", "labels") if k in o["metadata"]}
    kept = {"kind": o["kind"], "apiVersion": o["apiVersion"], "metadata": metadata}
    if o["kind"] == "Pod" and live.has_sidecar(o):
        metadata["annotations"] = {"sidecar.istio.io/status": "{}"}
    if o["kind"] in ("Gateway", "AuthorizationPolicy"):
        conditions = (o.get("status") or {}).get("conditions") or []
        kept["status"] = {"conditions": [{k: c[k] for k in ("type", "status", "observedGeneration") if k in c} for c in conditions]}
    if o["kind"] == "Deployment":
        kept["spec"] = {"template": {"metadata": {"annotations": {live.MODE: live.mode(o)}}}}
    return {**record, "object": kept}


def prepare(plane):
    """The cluster of somebody who uses TSB with sidecars."""
    crds.install(plane)
    plane.set_mesh_config(trustDomain="cp-cluster-1.tsb.local")
    for namespace in MADE_BEFORE:
        plane.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(inventory(ENVIRONMENT)))
    lived.until_rolled_out(plane, NAMESPACES)


@contextlib.contextmanager
def begun(plane, report, applier):
    """The story at its beginning: nothing has migrated, and everything is applied."""
    prepare(plane)
    kinds = KINDS + ([applier.watched] if applier.watched else [])
    with Repository(ENVIRONMENT) as repository:
        applier = applier(plane)
        with Watches(plane, kinds) as watches:
            story = Story(plane, report, applier, repository, watches)
            story.begin()
            yield story
