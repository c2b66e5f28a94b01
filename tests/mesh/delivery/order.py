"""The order that keeps traffic behind its policies, asked of recorded changes.

A record is an event of `watches.py`, or what a commit wants: `{"rv", "commit", "policies": {namespace: [names]}, "late"}`, from
when it could be applied; `late` is true where somebody makes waypoints only once a namespace is labelled. Everything else is
in the events."""

from waypost import key, shown

from .live import has_sidecar, injects, is_accepted, is_ambient, is_of_workload, is_programmed, labels, mode

GATEWAY, POLICY = "gateway.networking.k8s.io", "security.istio.io"


def violations(records):
    """What happened too early, in the order in which it happened."""
    mesh = Mesh()
    for record in sorted(records, key=lambda r: (r["rv"], "commit" not in r)):
        if "commit" in record:
            mesh.wanted = record
            continue
        o = record["object"]
        before = mesh.live.get(key(o))
        gone = record["type"] == "DELETED"
        if gone:
            mesh.live.pop(key(o), None)
        else:
            mesh.live[key(o)] = o
        for fault in mesh.faults(before, o, gone):
            commit = mesh.wanted["commit"][:7] if mesh.wanted else "no commit"
            yield f"{commit}, {record.get('at', 0):.1f} s: {fault}"


class Mesh:
    """What is live, and what the last commit wants."""

    def __init__(self):
        self.live, self.wanted = {}, None

    def faults(self, before, o, gone):
        kind = o["kind"]
        if kind == "Namespace" and not gone:
            if is_ambient(o) and not (before and is_ambient(before)):
                yield from self.labelled(o)
        elif kind in ("Gateway", "AuthorizationPolicy") and gone:
            namespace = self.namespace(o)
            if namespace and is_ambient(namespace):
                yield f"{shown(key(o))} is deleted while its namespace is ambient"
        elif kind == "Deployment" and not gone:
            if before and mode(before) != mode(o):
                yield from self.restarted(o)
        elif kind == "Pod" and not gone:
            if not before and is_of_workload(o):
                yield from self.begun(o)

    def namespace(self, o):
        return self.live.get(("", "Namespace", "", o["metadata"]["namespace"]))

    def labelled(self, namespace):
        """A namespace became ambient: it is protected, or will be before its pods are ambient."""
        if not (self.wanted or {}).get("late"):
            yield from self.unprotected(namespace, f"namespace {namespace['metadata']['name']} is labelled")

    def unprotected(self, namespace, what):
        """What is missing of a namespace's protection: its waypoint is programmed, its policies are accepted."""
        name = namespace["metadata"]["name"]
        waypoint = labels(namespace).get("istio.io/use-waypoint")
        gateway = self.live.get((GATEWAY, "Gateway", name, waypoint))
        if not gateway:
            yield f"{what} and has no waypoint"
        elif not is_programmed(gateway):
            yield f"{what} before its waypoint is Programmed"
        for policy in (self.wanted or {}).get("policies", {}).get(name, []):
            live = self.live.get((POLICY, "AuthorizationPolicy", name, policy))
            if not live:
                yield f"{what} before policy {policy} is there"
            elif not is_accepted(live):
                yield f"{what} before policy {policy} is accepted"

    def restarted(self, deployment):
        """A workload was told to restart: its namespace is already what its new pods are for."""
        namespace, wanted = self.namespace(deployment), mode(deployment)
        name = shown(key(deployment))
        if wanted == "ambient" and not (namespace and is_ambient(namespace) and not injects(namespace)):
            yield f"{name} restarts for ambient mode before its namespace is labelled"
        elif wanted == "ambient":
            yield from self.unprotected(namespace, f"{name} restarts for ambient mode")
        if wanted == "sidecar" and not (namespace and injects(namespace) and not is_ambient(namespace)):
            yield f"{name} restarts for its sidecar before its namespace injects"

    def begun(self, pod):
        """A pod began: with a sidecar where the namespace injects, and only there."""
        namespace = self.namespace(pod)
        if namespace and has_sidecar(pod) and is_ambient(namespace):
            yield f"{shown(key(pod))} begins with a sidecar in an ambient namespace"
        if namespace and not has_sidecar(pod) and not is_ambient(namespace):
            yield f"{shown(key(pod))} begins without a sidecar in a namespace that is not ambient"
