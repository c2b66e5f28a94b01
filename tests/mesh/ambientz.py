"""`waypost access ztunnel -o json` says what istiod's `/debug/ambientz` says: workloads, services and
policies, for random meshes with random sets of policies."""

import json
import os
import random
import tempfile

import worlds
from control_plane import Refused, in_parallel, wait_until
from waypost import waypost

# namespaces, and with them sets of policies, that are compared at a time
TOGETHER = 250
# seconds in which istiod must have come to say the same
SETTLES = 45
# the settings that decide what is said, and the network that istiod's namespace names; each is tried, in turn
MESH_CONFIGS = [
    ({"trustDomain": "cluster.local", "trustDomainAliases": [], "rootNamespace": "istio-system"}, None),
    ({"trustDomain": "td1", "trustDomainAliases": ["old-td", "cluster.local"], "rootNamespace": "istio-system"}, "net1"),
    ({"trustDomain": "td1", "trustDomainAliases": [], "rootNamespace": "s001"}, None),
]
# what workloads are told of
TOLD = ("Pod", "WorkloadEntry", "ServiceEntry")
POLICIES = [("security.istio.io/v1", "AuthorizationPolicy"), ("security.istio.io/v1", "PeerAuthentication")]


def run(plane, report, options):
    rng = random.Random(f"ambientz {options.seed}")
    count = min(TOGETHER, options.cases)
    there = [o for number in range(count) for o in worlds.namespace(rng, number)]
    build(plane, there)
    report.count("namespaces", count)
    names = {o["metadata"]["name"] for o in there if o["kind"] == "Namespace"}
    told = {(o["metadata"]["namespace"], o["metadata"]["name"]) for o in there if o["kind"] in TOLD}
    for kind in ("WorkloadEntry", "ServiceEntry"):
        report.count(f"{kind[:-1]}ies", sum(o["kind"] == kind for o in there))
    done = 0
    while done < options.cases:
        config, network = MESH_CONFIGS[done // count % len(MESH_CONFIGS)]
        plane.set_mesh_config(**config)
        system = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}}
        plane.merge(system, {"metadata": {"labels": {"topology.istio.io/network": network}}})
        system["metadata"]["labels"] = {"topology.istio.io/network": network} if network else {}
        root = config["rootNamespace"]
        policies = [p for number in range(min(count, options.cases - done)) for p in worlds.policy_set(rng, f"s{number:03}")]
        policies += [worlds.policy(rng, root, f"root{i}") for i in range(rng.choice([0, 1, 3]))]
        # one at most holds everywhere: of two the older would, which manifests do not tell
        if rng.random() < 0.5 and not any(p["kind"] == "PeerAuthentication" and p["metadata"]["namespace"] == root for p in policies):
            policies.append(worlds.peer(rng, root, "default", wide=True))
        # a workload's PeerAuthentication after those above it (see `worlds.policy_set`)
        last = [p for p in policies if p["kind"] == "PeerAuthentication" and "selector" in p["spec"]]
        policies = [p for p in policies if p["kind"] != "PeerAuthentication" or "selector" not in p["spec"]]
        answers = in_parallel(lambda p: create(plane, p), policies) + in_parallel(lambda p: create(plane, p), last)
        policies += last
        refused = {(p["metadata"]["namespace"], p["metadata"]["name"]): no for p, no in zip(policies, answers) if no}
        report.count("policies refused by the webhook", len(refused))
        report.count("policies in force", len(policies) - len(refused))
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "istio-system", "name": "istio"}, "data": {"mesh": json.dumps(config)}}
        ours = said([system, config_map, *there, *policies])
        # the pods of waypoints are made by a controller, which is not there
        ours["workloads"] = {k: w for k, w in ours["workloads"].items() if k[:2] in told}
        # istiod needs a moment; that it comes to say the same is what is claimed
        try:
            wait_until("istiod", lambda: not list(differences(ours, istiods(plane, names))), SETTLES)
        except TimeoutError:
            by_name = {(p["metadata"]["namespace"], p["metadata"]["name"]): p for p in policies}
            for fault, key in differences(ours, istiods(plane, names)):
                more = f"\n    policy {json.dumps(by_name[key])}" if key in by_name else ""
                more += f"\n    refused: {refused[key]}" if key in refused else ""
                report.expect(False, f"seed {options.seed}, sets from {done} on: {fault}{more}")
        report.count("sets of policies", min(count, options.cases - done))
        report.count("workloads compared", len(ours["workloads"]))
        report.count("services compared", len(ours["services"]))
        report.count("policies compared", len(ours["policies"]))
        in_parallel(lambda p: clear(plane, *p), [(n, *k) for n in {p["metadata"]["namespace"] for p in policies} for k in POLICIES])
        done += count


def build(plane, objects):
    """Makes the objects, and plays kubelet, istio-cni and the Gateway controller: writes the status they have.
    ServiceEntries get the addresses that istiod chooses for them, as they would have in what is read from a cluster."""
    modes = {o["metadata"]["name"]: o["metadata"].get("labels", {}) for o in objects if o["kind"] == "Namespace"}
    for kinds in (["Namespace"], ["Gateway", "Service", "Pod", "WorkloadEntry", "ServiceEntry"]):
        in_parallel(lambda o: make(plane, o, modes), [o for o in objects if o["kind"] in kinds])
    entries = [o for o in objects if o["kind"] == "ServiceEntry" and "status" not in o]
    if entries:
        wait_until("addresses of ServiceEntries", lambda: addressed(plane, entries), SETTLES)


def addressed(plane, entries):
    """True once each that waits for addresses has them; they are noted as its status."""
    live = {(o["metadata"]["namespace"], o["metadata"]["name"]): o for o in plane.list("networking.istio.io/v1", "ServiceEntry")}
    done = True
    for o in entries:
        o["status"] = {"addresses": live[o["metadata"]["namespace"], o["metadata"]["name"]].get("status", {}).get("addresses") or []}
        spec, labels = o["spec"], o["metadata"].get("labels", {})
        waits = spec.get("resolution", "NONE") != "NONE" and "addresses" not in spec
        waits &= labels.get("networking.istio.io/enable-autoallocate-ip", "").lower() != "false"
        waits &= spec.get("resolution") == "DYNAMIC_DNS" or not all(h.startswith("*") for h in spec["hosts"])
        done &= not waits or bool(o["status"]["addresses"])
    return done


def make(plane, o, modes):
    live = plane.create(o)
    if "status" in o:
        plane.merge(o, {"status": o["status"]}, "/status")
    if o["kind"] == "Pod" and is_captured(live, modes.get(o["metadata"]["namespace"], {})):
        plane.merge(o, {"metadata": {"annotations": {"ambient.istio.io/redirection": "enabled"}}})


def is_captured(pod, namespace_labels):
    """As istio-cni decides: the mode of the pod, else of the namespace; never with a sidecar, never on the host's network."""
    metadata = pod["metadata"]
    mode = metadata.get("labels", {}).get("istio.io/dataplane-mode", namespace_labels.get("istio.io/dataplane-mode"))
    return mode == "ambient" and "sidecar.istio.io/status" not in metadata.get("annotations", {}) and not pod["spec"].get("hostNetwork")


def create(plane, o):
    """Why the server refuses it, if it does."""
    try:
        plane.create(o)
        return None
    except Refused as no:
        return no.message


def clear(plane, namespace, api_version, kind):
    plane.request("DELETE", plane.path(api_version, kind, namespace))


def said(objects):
    """What waypost says of objects, by name."""
    return keyed(raw(objects))


def raw(objects):
    """What waypost says of objects."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "objects.yaml"), "w") as file:
            for o in objects:
                file.write("---\n" + json.dumps(o) + "\n")
        return json.loads(waypost("access", "ztunnel", "--in", folder, "-o", "json", ok=(0, 3)))


def istiods(plane, namespaces):
    """What istiod says of the same: services that Kubernetes and Istio have themselves are none of ours."""
    said = keyed(plane.ambientz())
    said["services"] = {k: s for k, s in said["services"].items() if k[0] in namespaces}
    return said


def keyed(answer):
    """Each by its name, without what manifests cannot tell."""
    made = {"workloads": {}, "services": {}, "policies": {}}
    for workload in answer.get("workloads") or []:
        # endpoints of one ServiceEntry have one name; the uid begins with the cluster
        uid = workload["uid"].split("/", 1)[1]
        workload = {k: v for k, v in workload.items() if k not in ("node", "uid", "clusterId")}
        made["workloads"][workload["namespace"], workload["name"], uid] = workload
    for service in answer.get("services") or []:
        # the API server chooses them
        service = {k: v for k, v in service.items() if k != "ipFamilies"}
        made["services"][service["namespace"], service["name"], service["hostname"]] = service
    for policy in answer.get("policies") or []:
        made["policies"][policy.get("namespace"), policy["name"]] = policy
    return made


def differences(ours, istiods):
    """How the two differ, and in what."""
    for what in ours:
        for key in sorted(ours[what].keys() | istiods[what].keys()):
            a, b = ours[what].get(key), istiods[what].get(key)
            if a != b:
                yield f"{what} {'/'.join(map(str, key))}: waypost says {json.dumps(a, sort_keys=True)}\n    istiod {json.dumps(b, sort_keys=True)}", key
