"""What an object says of itself: what the order of a migration is about."""

AMBIENT, WAYPOINT, INJECTION = "istio.io/dataplane-mode", "istio.io/use-waypoint", "istio-injection"
# the annotation of pod templates whose change restarts pods
MODE = "waypost.dev/dataplane-mode"


def labels(o):
    return o["metadata"].get("labels") or {}


def is_ambient(namespace):
    return labels(namespace).get(AMBIENT) == "ambient"


def injects(namespace):
    return labels(namespace).get(INJECTION) == "enabled"


def condition(o, *kinds):
    """The first condition of one of these types, or nothing."""
    conditions = (o.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c["type"] in kinds), {})


def is_programmed(gateway):
    """Programmed as it is now, not as it was."""
    c = condition(gateway, "Programmed")
    return c.get("status") == "True" and c.get("observedGeneration") == gateway["metadata"]["generation"]


def is_accepted(policy):
    """Accepted by whoever enforces it."""
    return condition(policy, "ZtunnelAccepted", "WaypointAccepted").get("status") == "True"


def mode(deployment):
    """What a Deployment's pods were last restarted for."""
    return (deployment["spec"]["template"]["metadata"].get("annotations") or {}).get(MODE)


def is_rolled_out(deployment):
    status, wanted = deployment.get("status") or {}, deployment["spec"].get("replicas", 1)
    counts = [status.get(k, 0) for k in ("replicas", "updatedReplicas", "readyReplicas")]
    return status.get("observedGeneration") == deployment["metadata"]["generation"] and counts == [wanted] * 3


def is_of_workload(pod):
    """A pod that is no waypoint's."""
    return "gateway.networking.k8s.io/gateway-name" not in labels(pod)


def has_sidecar(pod):
    return "sidecar.istio.io/status" in (pod["metadata"].get("annotations") or {})


def truths(o):
    """What is true of an object, each by what it is called."""
    kind = o["kind"]
    if kind == "Namespace":
        return {label: labels(o).get(label) for label in (AMBIENT, WAYPOINT, INJECTION)}
    if kind == "Gateway":
        return {"programmed": is_programmed(o)}
    if kind == "AuthorizationPolicy":
        return {"accepted": is_accepted(o)}
    if kind == "Deployment":
        return {"mode": mode(o), "rolled out": is_rolled_out(o)}
    if kind == "Kustomization":
        ready = condition(o, "Ready")
        done = (o.get("status") or {}).get("lastAppliedRevision", "")
        return {"ready": f"{ready.get('status')} {ready.get('reason')}", "applied": done.rpartition(":")[2][:7]}
    if kind == "Application":
        status = o.get("status") or {}
        sync = status.get("sync") or {}
        return {"sync": sync.get("status"), "health": (status.get("health") or {}).get("status"), "at": sync.get("revision", "")[:7]}
    return {}
