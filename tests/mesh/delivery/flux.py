"""Flux, as a person or a bootstrap sets it up: a Kustomization above that applies `gitops/`, and the units' own."""

import os
import subprocess
import time

from control_plane import HERE, wait_until
from waypost import UNITS

from . import data_plane, docs
from .applier import Applier
from .files import edit
from .live import condition, is_ambient
from .person import Typed
from .repository import CLUSTER

NAMESPACE = "flux-system"
KUSTOMIZATION = ("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
SOURCE = ("source.toolkit.fluxcd.io/v1", "GitRepository")
# the Kustomization above, and its source
ROOT = "flux-system"
# what the guide calls the repository, and the Secret that opens it
PRINTED_URL, SECRET = "https://git.example.com/mesh.git", "mesh"
CREDENTIALS = {"username": "night", "password": "two in the morning"}
# what a loaded machine may need for a commit
DEADLINE = 600


class Flux(Applier):
    """Flux's controllers, on a control plane that runs."""

    name, namespace, watched = "flux", NAMESPACE, KUSTOMIZATION
    waits_for_somebody = False
    # the stages that are one commit: what depends on another waits for it
    at_once = ("bookinfo",)
    # what keeps the order: patches of the spec that take it away, or what is taken out of the spec
    keeps_order = {
        "depends-on": [("{kind: Kustomization, name: .*-enrollment}", "{op: remove, path: /spec/dependsOn}")],
        "health-check": [
            ("{kind: Kustomization, name: .*-mesh}", "{op: remove, path: /spec/wait}"),
            # a waypoint that is fast enough comes before the label by luck
            ("{kind: Gateway, name: waypoint}", "{op: replace, path: /spec/gatewayClassName, value: nobody}"),
        ],
    }
    processes = ("source-controller", "kustomize-controller")
    parts, guide = ("story", "verify", "faults", "order", "typed"), "flux"
    lists = ("flux.md", "kubectl get kustomizations")
    # it waits for ztunnel and istio-cni by itself
    sees_data_plane = True
    # flags of kustomize-controller
    flags = ()
    # where a Kustomization says which commit it has applied
    applied = "lastAppliedRevision"

    def __init__(self, plane):
        self.plane = plane
        subprocess.run([os.path.join(HERE, "with-flux"), plane.folder, *self.flags], check=True)

    def prepare(self, repository):
        """Before the first commit: the spec says what the guide prints, of a private repository."""
        self.repository = repository
        repository.edit(r"(?s)  delivery:\n.*", docs.block("flux.md", "targets: [flux]").replace(PRINTED_URL, repository.url))
        repository.server.require(*CREDENTIALS.values())
        data_plane.install(self.plane)
        self.plane.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET, "namespace": NAMESPACE}, "stringData": CREDENTIALS})
        self.tell()

    def tell(self):
        """Adds to the spec what the guide says of a GitRepository of its own."""
        self.repository.patches(docs.block("flux.md", "path: /spec/secretRef"))

    def adopt(self, repository):
        """What `flux bootstrap` leaves: a source and a Kustomization that points at `gitops/`."""
        source = {"url": repository.url, "interval": "1m", "ref": {"branch": "main"}, "secretRef": {"name": SECRET}}
        self.plane.create({"apiVersion": SOURCE[0], "kind": SOURCE[1], "metadata": {"name": ROOT, "namespace": NAMESPACE}, "spec": source})
        self.begin(SOURCE[1], ROOT)

    def begin(self, kind, source):
        """The Kustomization above."""
        path = f"./gitops/flux/{self.repository.environment}/{CLUSTER}"
        self.apply(ROOT, {"kind": kind, "name": source}, path)

    def apply(self, name, source, path):
        """Applies a folder from now on."""
        spec = {"sourceRef": source, "path": path, "prune": True, "interval": "10m", "retryInterval": "1m", "timeout": "5m"}
        self.plane.create({"apiVersion": KUSTOMIZATION[0], "kind": KUSTOMIZATION[1], "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})

    def type(self, command):
        """Runs what a guide tells people to type; gives what it prints."""
        path = os.path.join(self.plane.folder, "bin") + os.pathsep + os.environ["PATH"]
        return Typed(command, self.repository.folder, KUBECONFIG=self.plane.kubeconfig, PATH=path).succeed()

    def kustomizations(self):
        return self.plane.list(*KUSTOMIZATION, NAMESPACE)

    def announce(self, units_first=False):
        """Tells the sources that there is a commit, as a webhook does. Nothing says which of them reads it first."""
        sources = self.plane.list(*SOURCE, NAMESPACE)
        for source in sorted(sources, key=lambda s: (s["metadata"]["name"] == ROOT) == units_first):
            self.ask({"apiVersion": SOURCE[0], "kind": SOURCE[1], **source})
            if units_first:
                time.sleep(2)

    def ask(self, o):
        asked = str(time.time_ns())
        self.plane.merge(o, {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": asked}}})
        return asked

    def settle(self, commit):
        """Waits until every Kustomization is Ready with a commit."""

        def done():
            there = self.kustomizations()
            return len(there) > 1 and all(self.is_ready(k, commit) for k in there)

        try:
            wait_until(f"Flux to have applied {commit[:7]}", done, DEADLINE)
        except TimeoutError as late:
            raise TimeoutError(f"{late}: " + "; ".join(told(k) for k in self.kustomizations() if not self.is_ready(k, commit))) from None

    def again(self):
        """Everything once more, though nothing has changed."""
        asked = {k["metadata"]["name"]: self.ask({"apiVersion": KUSTOMIZATION[0], "kind": KUSTOMIZATION[1], **k}) for k in self.kustomizations()}

        def done():
            return all(handled(k) == asked[k["metadata"]["name"]] and condition(k, "Ready").get("status") == "True" for k in self.kustomizations())

        wait_until("Flux to have applied everything again", done, DEADLINE)

    def is_ready(self, kustomization, commit):
        status = kustomization.get("status") or {}
        is_current = status.get("observedGeneration") == kustomization["metadata"]["generation"]
        return is_current and condition(kustomization, "Ready").get("status") == "True" and status.get(self.applied, "").endswith(commit)

    def notice(self):
        """The interval has passed."""
        self.again()

    def told_anew(self, commit):
        """The Kustomization above has applied what it is told."""

    # faults

    # a unit of which a namespace, or all, is emptied is not built
    says_of_empty = "no resource matches strategic merge patch"
    notices_missing_kinds = "platform"

    def unit(self, unit):
        name = self.repository.name_of(unit)
        return next((k for k in self.kustomizations() if k["metadata"]["name"] == name), None)

    def until_says(self, unit, words):
        """Waits until a unit is not Ready and says one of these; gives what it says."""

        def said():
            ready = condition(self.unit(unit), "Ready")
            text = f"{ready.get('reason')}: {ready.get('message')}"
            return ready.get("status") != "True" and any(word in text for word in words) and text

        return wait_until(f"Flux to say of {unit} one of {words}", said, DEADLINE)

    def until_read_all(self, commit):
        """Waits until every unit was tried with a commit."""
        wait_until(f"Flux to have tried {commit[:7]}", lambda: all((k.get("status") or {}).get("lastAttemptedRevision", "").endswith(commit) for k in self.kustomizations()), DEADLINE)

    def look_again(self):
        """It has looked."""

    def prune(self, unit, commit):
        """Flux prunes by itself, where it is told to."""
        self.settle(commit)

    def forget(self, unit):
        """The Kustomization of a unit leaves `gitops/`."""
        folder, name = self.repository.told("flux"), f"kustomization-{self.repository.name_of(unit)}.yaml"
        os.remove(os.path.join(folder, name))
        edit(folder, "kustomization.yaml", f"- {name}\n", "")
        self.repository.commit("a unit is forgotten")
        self.announce()
        wait_until(f"the Kustomization of {unit} to be gone", lambda: not self.unit(unit), DEADLINE)

    def fight(self, fault):
        """Each Kustomization takes what it applies; nothing is deleted when one of them goes."""
        rival = "rival"
        self.repository.rival(rival)
        fault.push()
        self.plane.kubectl("apply", "-k", self.repository.told("flux").replace(self.repository.environment, rival))
        names = [f"{rival}-cp-cluster-1-{unit}" for unit in UNITS]

        def applied():
            return [k for k in self.kustomizations() if k["metadata"]["name"] in names and condition(k, "Ready").get("status") == "True"]

        wait_until("the other environment to be applied", lambda: len(applied()) == len(names), DEADLINE)
        namespace = self.plane.get({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "client"}})
        fault.expect(not is_ambient(namespace), "the other environment has not taken the Namespace")
        self.plane.kubectl("delete", "-k", self.repository.told("flux").replace(self.repository.environment, rival))


def handled(kustomization):
    return kustomization.get("status", {}).get("lastHandledReconcileAt")


def told(kustomization):
    ready = condition(kustomization, "Ready")
    return f"{kustomization['metadata']['name']} {ready.get('reason')}: {ready.get('message')}"
