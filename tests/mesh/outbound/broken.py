"""Meshes of which the simulator is told something else: a comparison that finds nothing then is worth nothing."""

import json


def auto_mtls_off(mesh, _):
    mesh["enableAutoMtls"] = False


def headless_as_eds(_, of):
    if of["kind"] == "Service" and of["spec"]["clusterIP"] == "None":
        of["spec"]["clusterIP"] = "10.97.0.1"


def exclude_lists_ignored(_, of):
    annotations = of["metadata"].get("annotations", {})
    for key in [k for k in annotations if k.startswith("traffic.sidecar.istio.io/exclude")]:
        del annotations[key]


def destination_rules_ignored(_, of):
    if of["kind"] == "DestinationRule":
        of["spec"].pop("trafficPolicy", None)


def peer_authentication_ignored(_, of):
    if of["kind"] == "PeerAuthentication":
        of["spec"] = {"mtls": {"mode": "PERMISSIVE"}}


HOW = {f.__name__.replace("_", "-"): f for f in (auto_mtls_off, headless_as_eds, exclude_lists_ignored, destination_rules_ignored, peer_authentication_ignored)}


def broken(name, case):
    """The case as the simulator is told of it."""
    mesh, objects = json.loads(case["mesh"]), [json.loads(o) for o in case["objects"].split("\n---\n")]
    for of in objects:
        HOW[name](mesh, of)
    return case | {"mesh": json.dumps(mesh), "objects": "\n---\n".join(json.dumps(o) for o in objects)}
