"""A mesh that runs: what is applied, what kubelet and istio-cni would do, what istiod says of it, beside
what waypost says of the same manifests."""

import json

from ambientz import is_captured
from control_plane import Refused, wait_until
from waypost import key

OWN = ("istio-system", "kube-system", "kube-public", "kube-node-lease", "default")


def apply(plane, objects, manager="argocd-controller"):
    """Applies objects as Argo CD would; a namespace that is missing is made."""
    for namespace in sorted({o["metadata"].get("namespace") for o in objects} - {None}):
        try:
            plane.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        except Refused as no:
            if no.status != 409:
                raise
    for o in objects:
        path = f"{plane.path_of(o)}?fieldManager={manager}&force=true&fieldValidation=Strict"
        plane.request("PATCH", path, json.dumps(o), "application/apply-patch+yaml")


def delete(plane, objects):
    """Deletes objects, and waits until they are gone."""
    for o in objects:
        try:
            plane.request("DELETE", plane.path_of(o))
        except Refused as no:
            if no.status != 404:
                raise

    def gone():
        for o in objects:
            # the API server or a controller makes the default one anew
            if o["kind"] == "ServiceAccount":
                continue
            try:
                plane.get(o)
                return False
            except Refused as no:
                if no.status != 404:
                    raise
        return True

    wait_until(f"{len(objects)} objects to be gone", gone)


def until_empty(plane, namespaces):
    """Waits until the last pod is gone."""

    def empty():
        left = [p for n in namespaces for p in plane.list("v1", "Pod", n)]
        end_at_once(plane, left)
        return not left

    wait_until(f"the pods of {', '.join(sorted(namespaces))} to be gone", empty)


def end_at_once(plane, pods):
    """Nothing runs in a pod, so nobody waits for its grace period to pass."""
    for pod in pods:
        if "deletionTimestamp" in pod["metadata"]:
            try:
                plane.request("DELETE", plane.path("v1", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"]) + "?gracePeriodSeconds=0")
            except Refused as no:
                if no.status != 404:
                    raise


def until_programmed(plane, gateways):
    """Waits until istiod has made what stands behind Gateways."""

    def programmed():
        for gateway in gateways:
            conditions = plane.get(gateway).get("status", {}).get("conditions") or []
            if not any(c["type"] == "Programmed" and c["status"] == "True" for c in conditions):
                return False
        return True

    wait_until("the Gateways to be programmed", programmed)


def until_rolled_out(plane, namespaces):
    """Waits until every pod is one of its workload's newest and ready, and no old one is left."""

    def rolled_out():
        end_at_once(plane, pods(plane, namespaces))
        wanted = 0
        for namespace in namespaces:
            for o in plane.list("apps/v1", "Deployment", namespace) + plane.list("apps/v1", "StatefulSet", namespace):
                status, replicas = o.get("status", {}), o["spec"].get("replicas", 1)
                if status.get("observedGeneration") != o["metadata"]["generation"]:
                    return False
                if replicas and [status.get(k, 0) for k in ("replicas", "updatedReplicas", "readyReplicas")] != [replicas] * 3:
                    return False
                wanted += replicas
            for o in plane.list("apps/v1", "DaemonSet", namespace):
                if o.get("status", {}).get("numberReady") != 1:
                    return False
                wanted += 1
        return len(pods(plane, namespaces)) >= wanted and all(is_ready(p) for p in pods(plane, namespaces))

    wait_until(f"the workloads of {', '.join(sorted(namespaces))}", rolled_out)


def pods(plane, namespaces):
    found = [p for n in namespaces for p in plane.list("v1", "Pod", n)]
    return [p for p in found if p.get("status", {}).get("phase") not in ("Succeeded", "Failed")]


def is_ready(pod):
    if "deletionTimestamp" in pod["metadata"]:
        return False
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions") or [])


def play_cni(plane, namespaces):
    """Marks the pods that ambient captures, and unmarks the others, as istio-cni does on every node."""
    for namespace in namespaces:
        labels = plane.get({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})["metadata"]["labels"]
        for pod in pods(plane, [namespace]):
            at = {"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}
            marked = "ambient.istio.io/redirection" in pod["metadata"].get("annotations", {})
            if is_captured(pod, labels) != marked:
                plane.merge(at, {"metadata": {"annotations": {"ambient.istio.io/redirection": None if marked else "enabled"}}})


def has_sidecar(pod):
    return "sidecar.istio.io/status" in pod["metadata"].get("annotations", {})


# what manifests cannot tell: there are no pods, addresses and nodes
UNKNOWN = {"workloads": ("uid", "name", "addresses", "node", "workloadType"), "services": ("addresses", "ipFamilies"), "policies": ()}


def of_manifests(answer, namespaces):
    """An answer in the words that both can say: one workload for each thing that makes pods."""
    made = {"workloads": {}, "services": {}, "policies": {}}
    for what, unknown in UNKNOWN.items():
        for o in answer.get(what) or []:
            if o.get("namespace") not in namespaces:
                continue
            said = {k: v for k, v in o.items() if k not in unknown}
            name = o["workloadName"] if what == "workloads" else o["name"]
            made[what].setdefault((o["namespace"], name), []).append(said)
    for what in made:
        for name, all_of_it in made[what].items():
            different = {json.dumps(o, sort_keys=True) for o in all_of_it}
            made[what][name] = all_of_it[0] if len(different) == 1 else all_of_it
    return made


def prune(plane, old, new):
    """Deletes what is no longer rendered, as an applier that prunes; partial objects say not to."""
    wanted = {key(o) for o in new}
    gone = [o for o in old if key(o) not in wanted]
    keeps = [o for o in gone if "Prune=false" in o["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-options", "")]
    delete(plane, [o for o in gone if o not in keeps])
