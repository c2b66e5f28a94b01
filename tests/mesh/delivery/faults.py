"""What goes wrong at night: each is pushed to the repository, or done to the cluster, while an applier watches."""

import os
import random
import signal
import time

from control_plane import wait_until

from . import data_plane, docs
from .fault import Fault
from .files import drop, edit, write

# the units whose objects are deleted when they leave the tree
PRUNED = ("tsb", "mesh")
# how long Flux's health checks run
CHECKED = 60
GATEWAY_CRD = "gateways.gateway.networking.k8s.io"


def run(story, seed):
    """All of them, from a tree where one namespace has moved."""
    chance, base = random.Random(seed), story.repository.git("rev-parse", "HEAD")
    story.repository.patch("{kind: Kustomization, labelSelector: waypost.dev/environment=brownfield}", f"{{op: replace, path: /spec/timeout, value: {CHECKED}s}}")
    story.reach("client")
    only = story.applier.faults
    for fault in (never_programmed, without_ztunnel, emptied, renamed, no_more_told, without_a_namespace, half_written, refused, away, fought_over):
        if not only or fault.__name__ in only:
            fault(story, chance)
    story.reach("client/mesh")
    story.reach("none")
    if not only:
        missing_kind(story)
    story.repository.git("read-tree", "-u", "--reset", base)
    story.reach("none")


def never_programmed(story, _):
    """A waypoint that nobody serves."""
    with Fault(story, "a waypoint that never becomes ready") as fault:
        fault.repository.patch("{kind: Gateway, name: waypoint, namespace: httpbin}", "{op: replace, path: /spec/gatewayClassName, value: nobody}")
        fault.repository.edit(r"reached: .*", "reached: httpbin")
        fault.repository.render()
        fault.push()
        fault.held("mesh", "health checks", "HealthCheckFailed", "Progressing")
        fault.nothing_is_labelled()
        if story.applier.lists:
            wait_until("the list to say what is waited for", lambda: "Gateway/httpbin/waypoint" in story.applier.type(docs.typed(*story.applier.lists)))
    if story.applier.cancels_checks:
        fault.expect(fault.repaired_after < CHECKED / 2, f"what is pushed waits {fault.repaired_after:.0f} s for the check that runs")


def without_ztunnel(story, _):
    """A ztunnel that never comes: whoever sees it waits, and labels nothing."""
    if not story.applier.sees_data_plane:
        return
    data_plane.remove(story.plane, "ztunnel")
    with Fault(story, "a ztunnel that never comes") as fault:
        fault.repository.edit(r"reached: .*", "reached: httpbin")
        fault.repository.render()
        fault.push()
        fault.held("platform", "health checks", "HealthCheckFailed", "Progressing")
        fault.nothing_is_labelled()
        data_plane.install(fault.plane, ("ztunnel",))


def emptied(story, _):
    """Units without objects: those that are never pruned at once, the others one by one, as what depends on one that is held is not tried."""
    for units in (("platform", "enrollment", "workloads"), ("tsb",), ("mesh",)):
        with Fault(story, f"emptied: {', '.join(units)}") as fault:
            for unit in units:
                write(fault.repository.unit(unit), "kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n")
            commit = fault.push()
            if fault.applier.says_of_empty and units[0] in PRUNED:
                fault.held(units[0], fault.applier.says_of_empty)
            else:
                fault.applier.until_read_all(commit)
            time.sleep(5)
    if story.applier.says_of_empty:
        with Fault(story, "a namespace of a unit emptied") as fault:
            drop(fault.repository.unit("mesh"), "kustomization.yaml", "- client/")
            fault.push()
            fault.held("mesh", fault.applier.says_of_empty)
            time.sleep(5)


def renamed(story, _):
    """A unit's folder with another name."""
    with Fault(story, "a renamed unit") as fault:
        folder = fault.repository.unit("mesh")
        os.rename(folder, folder + "-2")
        fault.push()
        fault.applier.look_again()
        fault.held("mesh", "not found", "no such file", "does not exist")
        fault.nothing_is_labelled()


def no_more_told(story, _):
    """An applier is told of a unit no more."""
    with Fault(story, "a unit that nobody is told of") as fault:
        fault.applier.forget("mesh")


def without_a_namespace(story, _):
    """A Namespace leaves the tree, and whoever syncs prunes."""
    with Fault(story, "a removed Namespace") as fault:
        folder = fault.repository.unit("enrollment")
        os.remove(os.path.join(folder, "_cluster", "namespace-client.yaml"))
        edit(folder, "kustomization.yaml", "- _cluster/namespace-client.yaml\n", "")
        commit = fault.push()
        fault.applier.prune("enrollment", commit)
        time.sleep(2)


def half_written(story, chance):
    """A file that was cut in the middle of a word."""
    with Fault(story, "a half-written file") as fault:
        folder = fault.repository.unit("mesh")
        path = os.path.join(folder, "client", "authorizationpolicy-allow-waypoint.yaml")
        with open(path) as file:
            text = file.read()
        # in a key: what is left is no YAML of a mapping
        cuts = [i for i in range(len(text) // 2, len(text) - 1) if text[i - 1].isalpha() and text[i].isalpha() and ":" not in text[text.rindex("\n", 0, i) : i] and ":" in text[i : text.find("\n", i)]]
        write(os.path.dirname(path), os.path.basename(path), text[: chance.choice(cuts)])
        fault.push()
        fault.held("mesh", "kustomize build failed", "failed to load", "yaml", "YAML")
        fault.nothing_is_labelled()


def refused(story, _):
    """A policy that Istio's webhook refuses."""
    with Fault(story, "a policy that Istio refuses") as fault:
        refuse(fault)
        fault.held("mesh", "denied the request")
        fault.nothing_is_labelled()


def refuse(fault):
    """Pushes a policy that the rules of the CRD let pass."""
    folder = os.path.join(fault.repository.unit("mesh"), "client")
    edit(folder, "authorizationpolicy-allow-waypoint.yaml", "  - from:\n", "  - when:\n    - {key: nonsense, values: [x]}\n    from:\n")
    fault.push()


def away(story, _):
    """The API server does not answer for half a minute, in mid-sync."""
    with Fault(story, "the API server away for 30 s") as fault:
        fault.repository.edit(r"reached: .*", "reached: httpbin")
        fault.repository.render()
        commit = fault.push()
        gateway = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"namespace": "httpbin", "name": "waypoint"}}
        wait_until("the waypoint to be applied", lambda: gateway["metadata"]["name"] in [g["metadata"]["name"] for g in fault.plane.list("gateway.networking.k8s.io/v1", "Gateway", "httpbin")])
        with open(os.path.join(fault.plane.folder, "kube-apiserver.pid")) as file:
            server = int(file.read())
        os.kill(server, signal.SIGSTOP)
        try:
            time.sleep(30)
        finally:
            os.kill(server, signal.SIGCONT)
        fault.applier.settle(commit)
        story.rest()
        # back as docs/night.md says, or the repair would take policies from under an ambient namespace
        story.reach("httpbin/mesh")


def fought_over(story, _):
    """Another environment has the same objects."""
    with Fault(story, "two environments with one object") as fault:
        fault.applier.fight(fault)


def missing_kind(story):
    """A cluster without Gateway API."""
    with Fault(story, "a missing CRD") as fault:
        crd = fault.plane.get({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": GATEWAY_CRD}})
        fault.plane.kubectl("delete", "crd", GATEWAY_CRD)
        fault.repository.edit(r"reached: .*", "reached: client")
        fault.repository.render()
        commit = fault.push()
        fault.held(fault.applier.notices_missing_kinds, "not found", "NotFound", "could not find", "no matches", "Missing", "InProgress", "Progressing")
        fault.nothing_is_labelled()
        for field in ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"):
            crd["metadata"].pop(field, None)
        crd.pop("status")
        fault.plane.create(crd)
        fault.before = {k: o for k, o in fault.before.items() if k[3] != GATEWAY_CRD}
        fault.applier.settle(commit)
        story.rest()
        story.reach("client/mesh")
