"""Argo CD, and the person who syncs what waits for one. There is no API server of Argo CD and no CLI: what `argocd app sync`
does is to write `operation` into the Application."""

import os
import subprocess
import time

import yaml
from control_plane import HERE, wait_until
from waypost import UNITS

from . import docs
from .applier import Applier

NAMESPACE = "argocd"
APPLICATION = ("argoproj.io/v1alpha1", "Application")
DEADLINE = 600


class ArgoCd(Applier):
    """Argo CD's controllers, on a control plane that runs. Units `enrollment` and `workloads` are synced as docs/argocd.md says."""

    name, namespace, watched = "argocd", NAMESPACE, APPLICATION
    waits_for_somebody = True
    # the stages that are one commit: the person keeps the order
    at_once = ("bookinfo",)
    # what keeps the order: patches of the spec that take it away
    keeps_order = {"gate": [("{kind: Application, name: .*-enrollment}", "{op: add, path: /spec/syncPolicy/automated, value: {selfHeal: true}}")]}
    processes = ("argocd-application-controller", "argocd-applicationset-controller")

    def __init__(self, plane):
        self.plane = plane
        subprocess.run([os.path.join(HERE, "with-argocd"), plane.folder], check=True)
        # the health of policies, as the guide prints it
        health = yaml.safe_load(docs.block("argocd.md", "health.security.istio.io_AuthorizationPolicy"))
        self.plane.merge({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": NAMESPACE, "name": "argocd-cm"}}, {"data": health})

    def prepare(self, repository):
        """Before the first commit: what the guide says of an Argo CD of this age, and of what `kubectl apply` has made."""
        repository.edit(r"targets: .*", "targets: [argocd]")
        repository.patches(docs.block("argocd.md", "path: /spec/clusterResourceWhitelist"))
        command = docs.block("argocd.md", "kubectl apply --server-side --force-conflicts -f").split()
        self.plane.kubectl(*command[1:-1], os.path.join(repository.folder, command[-1]))

    def adopt(self, repository):
        """As the guide says: once, by hand."""
        self.repository = repository
        self.plane.kubectl("apply", "-k", repository.told("argocd"))

    def applications(self):
        mine = [o for o in self.plane.list(*APPLICATION, NAMESPACE) if o["metadata"]["labels"]["waypost.dev/environment"] == self.repository.environment]
        return {o["metadata"]["labels"]["waypost.dev/unit"]: {"apiVersion": APPLICATION[0], "kind": APPLICATION[1], **o} for o in mine}

    def announce(self, units_first=False):
        """Tells every Application that there is a commit, as a webhook does."""
        self.refresh("normal")

    def until_refreshed(self):
        """Waits until no refresh is asked for: one that is asked meanwhile would be forgotten."""
        wait_until("Argo CD to have looked", lambda: not any("argocd.argoproj.io/refresh" in o["metadata"].get("annotations", {}) for o in self.applications().values()), DEADLINE)

    def refresh(self, how):
        self.until_refreshed()
        for o in self.applications().values():
            self.plane.merge(o, {"metadata": {"annotations": {"argocd.argoproj.io/refresh": how}}})

    def settle(self, commit):
        """Waits for one unit after the other, and syncs those that wait for somebody."""
        for unit in UNITS:
            self.until_read(unit, commit)
            if not self.applications()[unit]["spec"]["syncPolicy"].get("automated"):
                self.sync(unit, commit)
            self.until_done(unit, commit)

    def until_read(self, unit, commit):
        wait_until(f"Argo CD to have read {commit[:7]} for {unit}", lambda: has_read(self.applications()[unit], commit), DEADLINE)

    def until_done(self, unit, commit):
        try:
            wait_until(f"unit {unit} to be Synced and Healthy", lambda: is_done(self.applications()[unit], commit), DEADLINE)
        except TimeoutError as late:
            raise TimeoutError(f"{late}: {told(self.applications()[unit])}") from None

    def sync(self, unit, commit, prune=False):
        """`argocd app sync`."""
        o = self.applications()[unit]
        policy = o["spec"]["syncPolicy"]
        sync = {"revision": commit, "syncOptions": policy["syncOptions"], "syncStrategy": {"hook": {}}, "prune": prune}
        asked = str(time.time_ns())
        self.plane.merge(o, {"operation": {"sync": sync, "retry": policy["retry"], "initiatedBy": {"username": "night"}, "info": [{"name": "asked", "value": asked}]}})

        def ended():
            state = self.applications()[unit].get("status", {}).get("operationState") or {}
            mine = any(i["value"] == asked for i in state.get("operation", {}).get("info") or [])
            return mine and state.get("phase") not in ("Running", "Terminating") and state

        return wait_until(f"the sync of {unit}", ended, DEADLINE)

    def again(self):
        """Everything rendered anew and synced once more, though nothing has changed."""
        self.refresh("hard")
        self.until_refreshed()
        for unit, o in self.applications().items():
            self.sync(unit, o["status"]["sync"]["revision"], prune=True)
            self.until_done(unit, o["status"]["sync"]["revision"])


    def notice(self):
        """It watches, and needs no hint."""

    def told_anew(self, commit):
        """Somebody applies what Argo CD is told."""
        self.adopt(self.repository)
        self.announce()
        self.settle(commit)

    # faults

    # Argo CD does not prune everything that an Application has, and says nothing of it
    says_of_empty = None
    notices_missing_kinds = "mesh"

    def until_says(self, unit, words):
        """Waits until a unit is not done and says one of these; gives what it says."""

        def said():
            text = told(self.applications()[unit])
            return any(word in text for word in words) and text

        return wait_until(f"Argo CD to say of {unit} one of {words}", said, DEADLINE)

    def until_read_all(self, commit):
        """Waits until every unit was compared with a commit."""
        for unit in UNITS:
            self.until_read(unit, commit)

    def look_again(self):
        """A hard refresh: git tells Argo CD the new name of what was renamed only, so that it sees no change in the folder."""
        self.refresh("hard")

    def prune(self, unit, commit):
        """`argocd app sync --prune`."""
        self.until_read(unit, commit)
        self.sync(unit, commit, prune=True)

    def forget(self, unit):
        """Somebody deletes the Application of a unit."""
        o = self.applications()[unit]
        self.plane.request("DELETE", self.plane.path_of(o))
        wait_until(f"the Application of {unit} to be gone", lambda: unit not in self.applications(), DEADLINE)
        time.sleep(5)
        self.adopt(self.repository)

    def fight(self, fault):
        """The Application that comes second fails, and what there is stays."""
        rival = "rival"
        self.repository.rival(rival)
        fault.push()
        there = self.repository.told("argocd").replace(self.repository.environment, rival)
        self.plane.kubectl("apply", "-k", there)

        def failed():
            mesh = next(o for o in self.plane.list(*APPLICATION, NAMESPACE) if o["metadata"]["name"] == f"{rival}-cp-cluster-1-mesh")
            text = told(mesh)
            return "Shared resource" in text and text

        print("   " + wait_until("the other environment to fail", failed, DEADLINE))
        fault.nothing_is_labelled()
        self.plane.kubectl("delete", "-k", there)


class Progressive(ArgoCd):
    """The ApplicationSet's controller keeps the order: nobody syncs anything."""

    name, waits_for_somebody = "argocd-progressive", False
    at_once = ("client", "httpbin", "bookinfo")
    # what its controller does about order; all else is as above
    parts, faults = ("story", "faults"), ("never_programmed",)

    def prepare(self, repository):
        super().prepare(repository)
        repository.edit(r"revision: main", "revision: main\n    argocd: {order: progressive}")

    def settle(self, commit):
        def done():
            there = self.applications()
            return len(there) == len(UNITS) and all(is_done(o, commit) for o in there.values())

        try:
            wait_until(f"the ApplicationSet to have rolled out {commit[:7]}", done, DEADLINE)
        except TimeoutError as late:
            raise TimeoutError(f"{late}: " + "; ".join(f"{unit}: {told(o)}" for unit, o in self.applications().items())) from None


def has_read(application, commit):
    """True when the commit is what it is compared with."""
    return (application.get("status", {}).get("sync") or {}).get("revision") == commit


def is_done(application, commit):
    status = application.get("status") or {}
    phase = (status.get("operationState") or {}).get("phase", "Succeeded")
    states = (status["sync"]["status"], (status.get("health") or {}).get("status"), phase)
    return has_read(application, commit) and states == ("Synced", "Healthy", "Succeeded") and "operation" not in application


def told(application):
    status = application.get("status") or {}
    state = status.get("operationState") or {}
    conditions = [c["message"] for c in status.get("conditions") or []]
    unhealthy = [f"{r['kind']} {r['name']} {r.get('status')} {r.get('health', {}).get('status', '')}" for r in status.get("resources") or [] if r.get("status") != "Synced" or r.get("health", {}).get("status", "Healthy") != "Healthy"]
    return f"{status.get('sync', {}).get('status')}, {(status.get('health') or {}).get('status')}, {state.get('phase')}: {state.get('message')}; {conditions}; {unhealthy}"
