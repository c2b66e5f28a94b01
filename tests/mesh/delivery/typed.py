"""What docs/night.md and docs/flux.md tell people of Flux to type, typed as it stands there."""

import os
import time

from control_plane import wait_until

from . import docs, drift
from .fault import HELD
from .files import write
from .flux import ROOT
from .live import is_ambient
from .planted import NAMESPACE
from .repository import CLUSTER

# a Kustomization of somebody's own, and the Deployment that it applies
OWN = "own"
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


def run(story):
    stopped(story)
    restarted(story)


def stopped(story):
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


def named(repository, command):
    """A command of the guide, of this environment and cluster."""
    return command.replace("ENV", repository.environment).replace("CLUSTER", CLUSTER)
