"""What docs/night.md and the guides to the appliers tell people to type, typed as it stands there."""

import os
import time

from control_plane import wait_until

from . import docs, drift
from .fault import HELD, Fault
from .faults import refuse
from .files import write
from .flux import ROOT
from .live import is_ambient
from .planted import NAMESPACE, WAYPOINT
from .repository import CLUSTER

# a Kustomization of somebody's own, and the Deployment that it applies
OWN = "own"
# what Argo CD is told
APPLY = docs.typed("night.md", "kubectl apply -k gitops")
MANIFEST = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {OWN}, namespace: client}}
spec:
  selector: {{matchLabels: {{app: {OWN}}}}}
  template:
    metadata: {{labels: {{app: {OWN}}}}}
    spec: {{containers: [{{name: {OWN}, image: example.com/own}}]}}
"""


def flux(story):
    suspended(story)
    restarted(story)


def suspended(story):
    """A unit that is suspended waits, and with it what depends on it, until it is resumed."""
    applier, repository, expect = story.applier, story.repository, story.report.expect
    stop, go_on = (named(repository, docs.typed("night.md", f"flux {verb} kustomization")) for verb in ("suspend", "resume"))
    applier.type(stop)
    commit = repository.reach("client")
    story.wants(commit)
    applier.announce()
    wait_until("unit mesh to be applied", lambda: applier.is_ready(applier.unit("mesh"), commit))
    time.sleep(HELD)
    expect(not is_ambient(story.plane.get(NAMESPACE)), f"`{stop}`: the namespace is labelled")
    expect(not applier.is_ready(applier.unit("workloads"), commit), f"`{stop}`: what depends on it is applied")
    listed = applier.type(named(repository, docs.typed("night.md", "kubectl get kustomizations"))).splitlines()[1:]
    wanted = sorted(k["metadata"]["name"] for k in applier.kustomizations() if k["metadata"]["name"] != ROOT)
    expect(sorted(line.split()[0] for line in listed) == wanted, f"`kubectl get kustomizations` by its label lists {listed}")
    applier.type(go_on)
    applier.settle(commit)
    story.rest()
    expect(is_ambient(story.plane.get(NAMESPACE)), f"`{go_on}`: the namespace is not labelled")
    for point in ("client/mesh", "none"):
        story.reach(point)
    story.report.count("commands of the guides", 3)


def restarted(story):
    """Flux takes back a restart by hand where it owns all of a Deployment, unless it is done in Flux's name."""
    applier, repository = story.applier, story.repository
    base = repository.git("rev-parse", "HEAD")
    os.mkdir(os.path.join(repository.folder, OWN))
    write(os.path.join(repository.folder, OWN), "deployment.yaml", MANIFEST)
    commit = repository.commit("a Deployment of somebody's own")
    applier.apply(OWN, {"kind": "GitRepository", "name": ROOT}, f"./{OWN}")
    applier.announce()
    applier.settle(commit)
    story.rest()
    command = drift.RESTART.replace("NAME", OWN)
    for typed, again in ((command, True), (f"{command} {docs.typed('flux.md', '--field-manager=')}", False)):
        story.report.expect(drift.restarts_again(story, typed) == again, f"`{typed}`: pods restart {'once' if again else 'twice'}")
    story.plane.kubectl("delete", "kustomization", OWN, "-n", applier.namespace)
    story.rest()
    repository.git("read-tree", "-u", "--reset", base)
    commit = repository.commit("without it")
    applier.announce()
    applier.settle(commit)
    story.report.count("commands of the guides", 2)


def argocd(story):
    """A unit that syncs by itself waits when it is told to, and a sync that is tried over and over ends, until what Argo CD is told is applied again."""
    applier, repository, expect = story.applier, story.repository, story.report.expect
    stop, end = (named(repository, docs.typed("night.md", f"argocd app {verb}")) for verb in ("set", "terminate-op"))
    listed = applier.type(named(repository, docs.typed("night.md", "argocd app list"))).splitlines()[1:]
    wanted = sorted(f"argocd/{o['metadata']['name']}" for o in applier.applications().values())
    expect(sorted(line.split()[0] for line in listed) == wanted, f"`argocd app list` by its label lists {listed}")
    stopped(story, stop)
    with Fault(story, "a sync that is tried over and over") as fault:
        refuse(fault)
        fault.held("mesh", "Retrying attempt")
        applier.type(stop)
        applier.type(end)
        time.sleep(HELD)
        state = applier.applications()["mesh"]["status"]["operationState"]
        expect(state["phase"] == "Failed" and "terminated" in state["message"], f"`{end}`: {state['phase']}: {state['message']}")
        applier.type(named(repository, APPLY))
    for point in ("client/mesh", "none"):
        story.reach(point)
    story.report.count("commands of the guides", 4)


def progressive(story):
    """Nothing is synced without the ApplicationSet, until it is there again."""
    stopped(story, *(named(story.repository, docs.typed("night.md", f"kubectl {verb} applicationsets")) for verb in ("delete", "annotate")))
    for point in ("client/mesh", "none"):
        story.reach(point)
    story.report.count("commands of the guides", 3)


def stopped(story, stop, *go_on):
    """Argo CD reads a commit and applies nothing of it, whatever somebody types who goes on, until what it is told is applied again."""
    applier, repository, expect = story.applier, story.repository, story.report.expect
    applier.type(stop)
    commit = repository.reach("client")
    story.wants(commit)
    applier.announce()
    applier.until_read("mesh", commit)
    person = applier.go_on()
    time.sleep(HELD)
    expect(not story.plane.list(WAYPOINT["apiVersion"], WAYPOINT["kind"], "client"), f"`{stop}`: the unit is applied")
    expect(not is_ambient(story.plane.get(NAMESPACE)), f"`{stop}`: the namespace is labelled")
    if person:
        person.stop()
    for command in (named(repository, APPLY), *go_on):
        applier.type(command)
    applier.settle(commit)
    story.rest()
    expect(is_ambient(story.plane.get(NAMESPACE)), f"`{APPLY}`: what was stopped stays so")


def named(repository, command):
    """A command of the guide, of this environment and cluster."""
    return command.replace("ENV", repository.environment).replace("CLUSTER", CLUSTER)
