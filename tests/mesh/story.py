"""The guide's story, lived: an environment goes from its inventory through every point of its migration and
back, on a control plane that injects, programs waypoints, rolls out and says what it tells ztunnel."""

import json
import os

import crds
import lived
import yaml
from ambientz import SETTLES, differences, raw
from control_plane import Refused, wait_until
from refusals import DATA
from waypost import ROOT, STEPS, UNITS, documents, environments, inventory, rendered, waypost


def run(plane, report, options):
    crds.install(plane)
    for environment, _, points in environments():
        Mesh(plane, report, environment).through(points)
    apps(plane, report)


BACK, AGAIN = "back at ", "without a restart at "


def journey(points):
    """Forth and back as docs/night.md has it: where labels alone have changed, they are taken back and given
    again; where pods have restarted, labels and pods go back first, what they needed in a second step."""
    for point in points:
        yield "", point
        if point.endswith("/enrollment"):
            yield AGAIN, point.replace("/enrollment", "/mesh")
            yield AGAIN, point
    for point in reversed([p for p in points[:-1] if not p.endswith("/enrollment")]):
        yield BACK, point


class Mesh:
    """One environment with one cluster, applied to the control plane."""

    def __init__(self, plane, report, environment):
        self.plane, self.report, self.environment = plane, report, environment
        with open(os.path.join(ROOT, "environments", environment, "environment.yaml")) as file:
            spec = yaml.safe_load(file)["spec"]
        self.cluster = spec["clusters"][0]
        self.namespaces = {n["name"]: n for n in self.cluster["namespaces"]}
        self.stages = [(s["name"], [n.partition("/")[2] for n in s["namespaces"]]) for s in spec.get("migration", {}).get("stages", [])]
        self.live = []

    def through(self, points):
        self.plane.set_mesh_config(trustDomain=self.cluster["trustDomain"])
        there = inventory(self.environment)
        exist = {o["metadata"]["name"] for o in there if o["kind"] == "Namespace"}
        if exist:
            lived.apply(self.plane, there, "inventory")
            lived.until_rolled_out(self.plane, exist)
            for pod in lived.pods(self.plane, exist):
                self.report.expect(lived.has_sidecar(pod), f"{self.environment}: pod {pod['metadata']['name']} was not injected")
        for how, point in journey(points):
            before = self.running()
            self.move(point, [] if exist else there, how)
            if how == AGAIN:
                new = sorted(name for _, name in self.running() - before)
                self.report.expect(not new, f"{self.environment} {how}{point}: {', '.join(new)} restarted")
        # from here on another environment has the control plane
        gone = [o for o in self.live if o["metadata"].get("namespace") == "istio-system" or o["kind"] in ("Tenant", "Workspace")]
        lived.delete(self.plane, gone + [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in [*self.namespaces, "gitops"]])

    def running(self):
        """The pods of workloads: those of waypoints come and go with them."""
        pods = [p["metadata"] for p in lived.pods(self.plane, self.namespaces)]
        return {(p["uid"], p["name"]) for p in pods if "gateway.istio.io/managed" not in p.get("labels", {})}

    def move(self, point, deploy, how=""):
        """Applies a point unit by unit, waits, and compares."""
        where = f"{self.environment} {how}{point}"
        wanted = []
        for unit in UNITS:
            objects = rendered(self.environment, point, unit)[1]
            lived.apply(self.plane, objects)
            wanted += objects
            if unit == "mesh":
                lived.apply(self.plane, deploy, "inventory")
                lived.until_programmed(self.plane, [o for o in objects if o["kind"] == "Gateway"])
        lived.prune(self.plane, self.live, wanted)
        self.live = wanted
        lived.until_rolled_out(self.plane, self.namespaces)
        lived.play_cni(self.plane, self.namespaces)
        self.pods(where, point)
        self.words(where, point)
        self.conditions(where, wanted)
        self.report.count("points")

    def moved(self, point):
        """The namespaces whose workloads are ambient at a point."""
        moved = {name for name, n in self.namespaces.items() if n["mode"] == "ambient"}
        stage, _, step = point.partition("/")
        for name, namespaces in self.stages if point != "none" else []:
            if name != stage or step == STEPS[-1]:
                moved.update(namespaces)
            if name == stage:
                break
        return moved

    def pods(self, where, point):
        """Pods of namespaces that have moved have no sidecar and are captured; the others keep theirs."""
        moved = self.moved(point)
        for pod in lived.pods(self.plane, self.namespaces):
            metadata = pod["metadata"]
            if "gateway.istio.io/managed" in metadata.get("labels", {}):
                continue
            state = (lived.has_sidecar(pod), "ambient.istio.io/redirection" in metadata.get("annotations", {}))
            expected = (False, True) if metadata["namespace"] in moved else (True, False)
            self.report.expect(state == expected, f"{where}: pod {metadata['namespace']}/{metadata['name']} has (sidecar, captured) {state}")
            self.report.count("pods looked at")

    def words(self, where, point):
        """What istiod tells ztunnel is what waypost says it would, as JSON and as the guide's tables."""
        json_of = waypost("access", "ztunnel", "--in", self.environment, "--stage", point, "-o", "json")
        scope = [*self.namespaces, "istio-system"]
        ours = lived.of_manifests(json.loads(json_of), scope)

        def istiods():
            said = lived.of_manifests(self.plane.ambientz(), scope)
            # what Istio is made of is in no environment
            for what in ("workloads", "services"):
                said[what] = {k: v for k, v in said[what].items() if k[0] != "istio-system"}
            return said

        try:
            wait_until("istiod", lambda: not list(differences(ours, istiods())), SETTLES)
        except TimeoutError:
            for fault, _ in differences(ours, istiods()):
                self.report.expect(False, f"{where}: {fault}")
        said = istiods()
        for table, rows in tables(said).items():
            text = waypost("access", "ztunnel", table, "--in", self.environment, "--stage", point)
            wanted = {tuple(row) for row in rows}
            shown = {tuple(columns(line, text, table)) for line in text.splitlines()[1:]}
            self.report.expect(wanted == shown, f"{where}: the table of {table} has {sorted(shown - wanted)}, istiod's {sorted(wanted - shown)}")
        for what in said:
            self.report.count(f"{what} compared", len(said[what]))

    def conditions(self, where, objects):
        """Every AuthorizationPolicy has the status that its kind of attachment foretells."""
        gateways = {(o["metadata"]["namespace"], o["metadata"]["name"]) for o in objects if o["kind"] == "Gateway"}
        for o in objects:
            if o["kind"] != "AuthorizationPolicy":
                continue
            expected = foretold(o, gateways)
            name = f"{where}: AuthorizationPolicy {o['metadata']['namespace']}/{o['metadata']['name']}"

            def holds(o=o, expected=expected):
                conditions = self.plane.get(o).get("status", {}).get("conditions") or []
                return {(c["type"], c["status"], c["reason"]) for c in conditions} == {expected}

            try:
                wait_until("istiod's status", holds, SETTLES)
            except TimeoutError:
                status = self.plane.get(o).get("status")
                self.report.expect(False, f"{name}: not {expected} but {json.dumps(status)}")
            self.report.count("policy conditions")


HTTP = ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths", "requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks")


def foretold(policy, gateways):
    """Type, status and reason of the condition that istiod will write."""
    spec = policy["spec"]
    targets = spec.get("targetRefs") or [t for t in [spec.get("targetRef")] if t]
    if targets:
        found = all((policy["metadata"]["namespace"], t["name"]) in gateways for t in targets)
        return ("WaypointAccepted", "True", "Accepted") if found else ("WaypointAccepted", "False", "TargetNotFound")
    text = json.dumps(spec.get("rules", []))
    is_http = any(f'"{field}"' in text for field in HTTP) or '"request.' in text
    return ("ZtunnelAccepted", "True", "UnsupportedValue" if is_http else "Accepted")


def tables(said):
    """The guide's verification tables, from istiod's words."""
    waypoint = lambda o: o.get("waypoint", {}).get("hostname", {}).get("hostname", "None").partition(".")[0]
    one = lambda o: o[0] if isinstance(o, list) else o
    workloads = [(k[0], k[1], waypoint(one(o)), "HBONE" if "tunnelProtocol" in one(o) else "TCP") for k, o in said["workloads"].items()]
    services = [(k[0], k[1], waypoint(one(o))) for k, o in said["services"].items()]
    scopes = {"NAMESPACE": "Namespace", "WORKLOAD_SELECTOR": "WorkloadSelector", None: "Global"}
    policies = [(k[0], k[1], (o.get("action") or "ALLOW").capitalize(), scopes[o.get("scope")]) for k, o in said["policies"].items()]
    return {"workload": workloads, "service": services, "policy": policies}


COLUMNS = {"workload": [0, 1, 4, 5], "service": [0, 1, 3], "policy": [0, 1, 2, 3]}


def columns(line, text, table):
    """The cells of a line that manifests can tell; cells begin where the head's words do."""
    head = text.splitlines()[0]
    names = {"workload": ["NAMESPACE", "POD NAME", "ADDRESS", "NODE", "WAYPOINT", "PROTOCOL"], "service": ["NAMESPACE", "SERVICE NAME", "SERVICE VIP", "WAYPOINT", "ENDPOINTS"], "policy": ["NAMESPACE", "POLICY NAME", "ACTION", "SCOPE"]}[table]
    starts = [head.index(n) for n in names]
    cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None])]
    return [cells[i] for i in COLUMNS[table]]


# those that waypost tells of or takes into account, in the order of applying; it tells of no ServiceEntries
KINDS = {
    "Namespace": 0, "ServiceAccount": 1, "Service": 1, "AuthorizationPolicy": 1, "PeerAuthentication": 1,
    "RequestAuthentication": 1, "Gateway": 1, "Deployment": 2, "StatefulSet": 2, "DaemonSet": 2, "Pod": 2,
}


def apps(plane, report):
    """Whole applications that others wrote: each top folder is a mesh of its own."""
    folder = os.path.join(DATA, "apps")
    if not os.path.isdir(folder):
        if os.environ.get("CI"):
            report.expect(False, f"{folder} is not there")
        report.count("data folders missing")
        return
    plane.set_mesh_config(trustDomain="cluster.local")
    for app in sorted(os.listdir(folder)):
        if os.path.isdir(os.path.join(folder, app)):
            for name, objects in meshes(os.path.join(folder, app)):
                application(plane, report, f"{app}/{name}", objects)


def meshes(folder):
    """The objects of an application; where it has variants beside each other, of each."""
    variants = {}
    for path, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith((".yaml", ".yml")):
                variant = os.path.relpath(path, folder).split(os.sep)
                with open(os.path.join(path, name)) as file:
                    try:
                        found = documents(file.read())
                    except yaml.YAMLError:
                        continue
                variants.setdefault("/".join(variant[:2]) if len(variant) > 2 else variant[0], []).extend(found)
    for variant, found in sorted(variants.items()):
        objects = {}
        for o in found:
            if isinstance(o, dict) and o.get("kind") in KINDS and isinstance(o.get("apiVersion"), str) and isinstance(o.get("metadata"), dict) and o["metadata"].get("name"):
                if o["kind"] != "Namespace":
                    o["metadata"].setdefault("namespace", "default")
                objects.setdefault((o["kind"], o["apiVersion"].partition("/")[0], o["metadata"].get("namespace"), o["metadata"]["name"]), runnable(o))
        if any(KINDS[o["kind"]] == 2 for o in objects.values()):
            yield variant, sorted(objects.values(), key=lambda o: KINDS[o["kind"]])


def runnable(o):
    """Without what only a real node has: disks, node pools, priorities."""
    template = o["spec"] if o["kind"] == "Pod" else o.get("spec", {}).get("template", {}).get("spec") if isinstance(o.get("spec"), dict) else None
    if template:
        for name in ("nodeSelector", "affinity", "tolerations", "priorityClassName", "volumes", "topologySpreadConstraints"):
            template.pop(name, None)
        for container in template.get("containers", []) + template.get("initContainers", []):
            container.pop("volumeMounts", None)
        o["spec"].pop("volumeClaimTemplates", None)
    return o


def application(plane, report, name, objects):
    """Runs one, and compares what is said of it."""
    accounts = {(o["metadata"]["namespace"], (o["spec"].get("template", {}).get("spec") or o["spec"]).get("serviceAccountName")) for o in objects if KINDS[o["kind"]] == 2}
    have = {(o["metadata"]["namespace"], o["metadata"]["name"]) for o in objects if o["kind"] == "ServiceAccount"}
    made = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": n, "name": a}} for n, a in sorted(accounts - have, key=str) if a]
    taken = []
    for o in [o for o in objects if o["kind"] == "Namespace"] + made + [o for o in objects if o["kind"] != "Namespace"]:
        try:
            lived.apply(plane, [o], "inventory")
            taken.append(o)
        except (Refused, KeyError) as no:
            report.count("objects of others that the server refuses")
            print(f"{name}: {o['kind']} {o['metadata']['name']}: {no}")
    namespaces = {o["metadata"]["name"] if o["kind"] == "Namespace" else o["metadata"]["namespace"] for o in taken}
    lived.until_rolled_out(plane, namespaces)
    lived.play_cni(plane, namespaces)
    ours = lived.of_manifests(raw(taken), namespaces | {"istio-system"})

    def istiods():
        answer = lived.of_manifests(plane.ambientz(), namespaces | {"istio-system"})
        for what in ("workloads", "services"):
            answer[what] = {k: {f: v for f, v in o.items() if f != "clusterId"} if isinstance(o, dict) else o for k, o in answer[what].items() if k[0] != "istio-system" and k != ("default", "kubernetes")}
        return answer

    try:
        wait_until("istiod", lambda: not list(differences(ours, istiods())), SETTLES)
    except TimeoutError:
        for fault, _ in differences(ours, istiods()):
            report.expect(False, f"{name}: {fault}")
    report.count("applications of others")
    for what in ours:
        report.count(f"{what} compared", len(ours[what]))
    lived.delete(plane, [o for o in taken if o["kind"] != "Namespace"])
    lived.until_empty(plane, namespaces)
    lived.delete(plane, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in namespaces if n not in lived.OWN])
