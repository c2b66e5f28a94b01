"""Everything that is in the cluster, before and after."""

from control_plane import in_parallel
from waypost import key

# what changes by itself
RESTLESS = {"Event", "Lease", "Endpoints", "EndpointSlice", "ComponentStatus", "Node", "IPAddress"}


def everything(plane):
    """All objects of all kinds, by key."""
    lists = ["/api/v1"]
    for group in plane.request("GET", "/apis")["groups"]:
        lists.append(f"/apis/{group['preferredVersion']['groupVersion']}")
    kinds = []
    for at in lists:
        for resource in plane.request("GET", at)["resources"]:
            if "/" not in resource["name"] and "list" in resource["verbs"] and resource["kind"] not in RESTLESS:
                kinds.append((at.removeprefix("/apis/").removeprefix("/api/"), resource["kind"], f"{at}/{resource['name']}"))

    def listed(kind):
        api_version, name, path = kind
        return [{"apiVersion": api_version, "kind": name, **o} for o in plane.request("GET", path)["items"]]

    return {key(o): o for objects in in_parallel(listed, kinds, 4) for o in objects}


LEADER = "control-plane.alpha.kubernetes.io/leader"


def is_lease(o):
    """True for what istiod keeps its leader in."""
    return bool(o) and LEADER in (o["metadata"].get("annotations") or {})


def essence(o):
    """An object without what is told of it, and without who set what."""
    if o is None or is_lease(o):
        return None
    metadata = {k: v for k, v in o["metadata"].items() if k not in ("resourceVersion", "managedFields", "generation")}
    return {k: v for k, v in o.items() if k not in ("status", "metadata")} | {"metadata": metadata}


def changed(before, after):
    """The keys of what is there no more, is new, or is another."""
    return {k for k in before.keys() | after.keys() if essence(before.get(k)) != essence(after.get(k))}


def follows(k, allowed, *clusters):
    """True for what is allowed to change, or is made of something that is."""
    if k in allowed:
        return True
    for objects in clusters:
        for owner in objects.get(k, {}).get("metadata", {}).get("ownerReferences", []):
            above = (owner["apiVersion"].rpartition("/")[0], owner["kind"], k[2], owner["name"])
            if follows(above, allowed, *clusters):
                return True
    return False
