"""Argo CD, and the person who syncs what waits for one: with the real CLI, by the commands that the guides print."""

import os
import subprocess
import time

import yaml
from control_plane import HERE, wait_until
from waypost import UNITS

from . import docs
from .applier import Applier
from .live import is_ambient
from .person import Typed
from .planted import NAMESPACE as CLIENT

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
    parts, guide = ("story", "verify", "faults", "order", "typed"), "argocd"
    processes = ("argocd-application-controller", "argocd-applicationset-controller")

    def __init__(self, plane):
        self.plane = plane
        subprocess.run([os.path.join(HERE, "with-argocd"), plane.folder], check=True)
        folder = os.path.join(plane.folder, "argocd")
        with open(os.path.join(folder, "environment")) as file:
            # somebody who has logged in
            self.login = dict(line.split("=", 1) for line in file.read().splitlines())
        self.login |= {"KUBECONFIG": plane.kubeconfig, "PATH": f"{folder}/bin{os.pathsep}{os.environ['PATH']}"}
        # the health of policies, as the guide prints it
        health = yaml.safe_load(docs.block("argocd.md", "health.security.istio.io_AuthorizationPolicy"))
        self.plane.merge({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": NAMESPACE, "name": "argocd-cm"}}, {"data": health})

    def prepare(self, repository):
        """Before the first commit: what the guide says of an Argo CD of this age, and of what `kubectl apply` has made."""
        repository.edit(r"targets: .*", "targets: [argocd]")
        repository.patches(docs.block("argocd.md", "path: /spec/clusterResourceWhitelist"))
        self.repository = repository
        self.type(docs.block("argocd.md", "kubectl apply --server-side --force-conflicts -f"))

    def adopt(self, repository):
        """As the guide says: once, by hand."""
        self.type(docs.typed("argocd.md", "kubectl apply -k"))

    def typed(self, script):
        """What somebody has typed who has pulled the last commit."""
        return Typed(script, self.repository.folder, **self.login)

    def type(self, script):
        return self.typed(script).succeed()

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

    def merged(self, units_first=False):
        """Nobody tells Argo CD, which looks every few minutes: the commands of the guide must do without."""

    def settle(self, commit):
        """Somebody keeps the order as the guide says, where something waits for somebody; the other units have no order."""
        is_gated = self.waits("enrollment")
        if is_gated:
            self.go_on().succeed()
        self.announce()
        for unit in UNITS:
            if self.waits(unit) and not is_gated:
                self.until_read(unit, commit)
                self.sync(unit)
            self.until_done(unit, commit)

    def waits(self, unit):
        """True where a unit is synced by somebody."""
        return not self.applications()[unit]["spec"]["syncPolicy"].get("automated")

    def go_on(self):
        return self.typed(docs.block("argocd.md", "argocd app wait brownfield-cp-cluster-1-mesh"))

    def until_read(self, unit, commit):
        wait_until(f"Argo CD to have read {commit[:7]} for {unit}", lambda: has_read(self.applications()[unit], commit), DEADLINE)

    def until_done(self, unit, commit):
        try:
            wait_until(f"unit {unit} to be Synced and Healthy", lambda: is_done(self.applications()[unit], commit), DEADLINE)
        except TimeoutError as late:
            raise TimeoutError(f"{late}: {told(self.applications()[unit])}") from None

    def sync(self, unit):
        """`argocd app sync --prune`; while a sync runs that began by itself, it begins no other."""

        def ended():
            try:
                self.type(f"argocd app sync {self.repository.name_of(unit)} --prune")
            except RuntimeError as failed:
                if "another operation is already in progress" not in str(failed):
                    raise
                return False
            return True

        wait_until(f"the sync of {unit}", ended, DEADLINE)

    def again(self):
        """Everything rendered anew and synced once more, though nothing has changed."""
        for unit in self.applications():
            self.type(f"argocd app get {self.repository.name_of(unit)} --hard-refresh")
            self.sync(unit)
        for unit, o in self.applications().items():
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
        self.sync(unit)

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
    parts, guide, faults = ("story", "faults", "typed"), "progressive", ("never_programmed",)

    def go_on(self):
        """Nobody has to."""

    def prepare(self, repository):
        super().prepare(repository)
        repository.edit(r"revision: main", "revision: main\n    argocd: {order: progressive}")

    def merged(self, units_first=False):
        self.announce(units_first)

    def settle(self, commit):
        def done():
            there = self.applications()
            return len(there) == len(UNITS) and all(is_done(o, commit) for o in there.values())

        try:
            wait_until(f"the ApplicationSet to have rolled out {commit[:7]}", done, DEADLINE)
        except TimeoutError as late:
            raise TimeoutError(f"{late}: " + "; ".join(f"{unit}: {told(o)}" for unit, o in self.applications().items())) from None


class Automatic(ArgoCd):
    """Every unit syncs by itself: the order is kept by commits, one for each step."""

    name, waits_for_somebody = "argocd-automatic", False
    parts, stages, at_once, drifts = ("story",), ("client",), (), False

    def prepare(self, repository):
        super().prepare(repository)
        repository.edit(r"revision: main", "revision: main\n    argocd: {order: automatic}")

    def go_on(self):
        """On the way back, somebody keeps workloads back; nobody has to on the way forth."""
        is_back = self.repository.reached().endswith("/mesh") and is_ambient(self.plane.get(CLIENT))
        return self.typed(docs.block("argocd.md", "argocd app set")) if is_back else None

    def settle(self, commit):
        person = self.go_on()
        if person:
            person.succeed()
        super().settle(commit)


def has_read(application, commit):
    """True when the commit is what it is compared with."""
    return (application.get("status", {}).get("sync") or {}).get("revision") == commit


def is_done(application, commit):
    status = application.get("status") or {}
    state = status.get("operationState") or {}
    # what failed of another commit is past
    is_past = state.get("phase") == "Failed" and state["operation"]["sync"].get("revision", commit) != commit
    states = ((status.get("sync") or {}).get("status"), (status.get("health") or {}).get("status"), "Succeeded" if is_past else state.get("phase", "Succeeded"))
    return has_read(application, commit) and states == ("Synced", "Healthy", "Succeeded") and "operation" not in application


def told(application):
    status = application.get("status") or {}
    state = status.get("operationState") or {}
    conditions = [c["message"] for c in status.get("conditions") or []]
    unhealthy = [f"{r['kind']} {r['name']} {r.get('status')} {r.get('health', {}).get('status', '')}" for r in status.get("resources") or [] if r.get("status") != "Synced" or r.get("health", {}).get("status", "Healthy") != "Healthy"]
    return f"{status.get('sync', {}).get('status')}, {(status.get('health') or {}).get('status')}, {state.get('phase')}: {state.get('message')}; {conditions}; {unhealthy}"
