"""Whole meshes for logged traffic: what stands at an enforcement point, those who call it, and what they ask for.

Every caller is a workload with an address, as logs name callers. What the point is not asked about does not decide: a server
behind a gateway or a waypoint has no policies of its own.
"""

import json

import asks
import logs
import meshes
import policies

NAMESPACES = ["foo", "bar", "foo-bar", "baz"]
SERVER, BEHIND = "10.254.0.1", ["10.250.0.1", "10.250.0.2", "10.250.0.3"]


class Caller:
    def __init__(self, namespace, account, ip, domain, meshed, owned):
        self.namespace, self.account, self.ip, self.meshed, self.owned = namespace, account, ip, meshed, owned
        self.name = f"{account.replace('.', '-')}-{'made' if owned else 'bare'}"
        self.principal = f"{domain}/ns/{namespace}/sa/{account}"

    def objects(self, sidecars):
        containers = [{"name": "c", "image": "c"}] + ([{"name": "istio-proxy", "image": "p"}] if sidecars and self.meshed else [])
        return pod(self.namespace, self.name, {"app": self.name}, self.ip, self.account, containers, self.owned)


def pod(namespace, name, labels, ip, account="default", containers=None, owned=True, annotations=None):
    """A Deployment with its pod, or a pod that nothing made."""
    metadata = {"name": name, "namespace": namespace, "labels": labels, **({"annotations": annotations} if annotations else {})}
    spec = {"serviceAccountName": account, "containers": containers or [{"name": "c", "image": "c"}]}
    status = {"podIP": ip, "podIPs": [{"ip": ip}], "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    if not owned:
        return [{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}]
    template = {"metadata": {"labels": labels, **({"annotations": annotations} if annotations else {})}, "spec": spec}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
         "spec": {"selector": {"matchLabels": labels}, "template": template}},
        {"apiVersion": "v1", "kind": "Pod", "spec": spec, "status": status, "metadata": {
            **metadata, "name": f"{name}-7d9f8c6b5d-x2k4p", "labels": {**labels, "pod-template-hash": "7d9f8c6b5d"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-7d9f8c6b5d", "uid": "1", "controller": True}]}},
    ]


def callers(place):
    """Four namespaces of the mesh and one that is not, with four accounts each; one has pods that a Deployment made, whose
    addresses are theirs for a while."""
    sidecars = place["kind"] == "sidecar"
    first = "127.1" if sidecars else "10.1"
    domain = place["domains"][0]
    out = []
    for i, namespace in enumerate(NAMESPACES + (["plain"] if sidecars else [])):
        for j, account in enumerate(["a", "b", "sa.x", "default"]):
            out.append(Caller(namespace, account, f"{first}.{i + 1}.{j + 1}", domain, namespace != "plain", j == 3))
    return out


def namespaces(place):
    label = {"istio-injection": "enabled"} if place["kind"] == "sidecar" else {"istio.io/dataplane-mode": "ambient"}
    names = [*NAMESPACES, "plain", *{logs.ROOT, place["root"]} - set(NAMESPACES)]
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n, "labels": label if n in NAMESPACES else {}}} for n in names]


def standing(place, mesh):
    """What is in the cluster beside the objects of the place, which istiod gets too."""
    out = [*namespaces(place), logs.config(mesh)]
    outside = {"sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none"}
    kind = place["kind"]
    if kind == "sidecar":
        out += pod("foo", "httpbin", place["point"]["labels"], SERVER, containers=[{"name": "c", "image": "c"}, {"name": "istio-proxy", "image": "p"}])
    elif kind == "waypoint":
        out.append({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "waypoint", "namespace": "foo", "labels": {"istio.io/waypoint-for": "all"}},
                    "spec": {"gatewayClassName": "istio-waypoint", "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE", "allowedRoutes": {"namespaces": {"from": "All"}}}]}})
        out += pod("foo", "other", {"app": "other"}, BEHIND[1]) + pod("bar", "remote", {"app": "remote"}, BEHIND[2])
    else:
        out += pod("foo", "httpbin", {"app": "httpbin", **outside}, BEHIND[0])
        router = [{"name": "istio-proxy", "image": "p", "args": ["proxy", "router"]}]
        labels = place["point"]["labels"]
        if kind == "gateway":
            out += pod("foo", "ingress", labels, SERVER, containers=router)
        else:  # istiod makes its Deployment
            out += pod("foo", "gw-istio", labels, SERVER, "gw-istio", router)
    return out


class Ask(asks.Ask):
    """Requests of callers; their addresses and identities are their own."""

    def __init__(self, r, place, objects, known):
        super().__init__(r, place, objects, False, False)
        self.known = known

    def connection(self):
        r, kind, q = self.r, self.place["kind"], {}
        if kind.startswith("gateway"):
            return self.from_outside(q)
        caller = r.choice(self.known)
        q["source_ip"] = caller.ip
        if kind == "waypoint":
            target = r.choices(list(self.place["ports"]), [50, 15, 12, 12, 11])[0]
            q["dest_ip" if target[0].isdigit() else "dest_service"] = target
            q["dest_port"], _, speaks = self.port(self.place["ports"][target])
            q["principal"] = caller.principal
            return q, speaks
        q["dest_ip"] = SERVER
        declared = [k for k in self.place["ports"][""] if k[0] not in (81, 65535)]
        if not caller.meshed or r.random() < 0.15:
            # plaintext: of those without a proxy, and of sidecars that send to the address of a pod
            q["dest_port"], _, speaks = self.port(self.place["ports"][""])
            return q, speaks
        q["dest_port"], _, speaks = self.port(declared)
        q["principal"] = caller.principal
        q["sni"] = f"outbound_.{self.place['numbers'][q['dest_port']]}_._.httpbin.foo.svc.cluster.local"
        return q, speaks

    def request(self, q):
        super().request(q)
        request_of(q, self.r)

    def from_outside(self, q):
        r = self.r
        servers = [s for s in self.place["servers"] if s[1] in ("", "terminate") and s[2]]
        q["dest_ip"], q["source_ip"] = SERVER, r.choice(policies.SOURCES)
        q["remote_ip"] = r.choice([ip for ip in policies.REMOTES if ":" not in ip])
        q["dest_port"], how, speaks = self.port(servers)
        if how:
            q.update(tls="terminate", sni=r.choice(policies.SNIS))
        return q, speaks


def request_of(q, r):
    """A header that says on whose behalf it is asked hides from the log who asks: seldom."""
    if r.random() < 0.8:
        q["headers"] = [h for h in q.get("headers", []) if h[0].lower() != "x-forwarded-for"]
    elif r.random() < 0.3:
        q["headers"] = [*q.get("headers", []), ["x-forwarded-for", r.choice(["10.1.1.1:80", "[2001:db8::7]:80", "10.1.1.1:80, 127.1.1.1:99"])]]


def leads_on(place):
    """What is behind a gateway, and the way there."""
    objects = place["objects"]
    if place["kind"] == "gateway-api":
        objects.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "httpbin", "namespace": "foo"},
                        "spec": {"clusterIP": "10.96.1.1", "ports": [{"name": "http", "port": 80}]}})
        objects.append({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "all", "namespace": "foo"},
                        "spec": {"parentRefs": [{"name": "gw"}], "rules": [{"backendRefs": [{"name": "httpbin", "port": 80}]}]}})
    for o in objects:
        if (o["kind"], o["metadata"]["name"]) == ("Service", "httpbin"):
            o["spec"]["selector"] = {"app": "httpbin"}


def is_asked_here(policy, place):
    """Of a waypoint's world, what is bound to no target holds at the ztunnels, which are not there."""
    spec = policy["spec"]
    return place["kind"] != "waypoint" or "targetRef" in spec or "targetRefs" in spec


def cases(r, count, requests):
    """Cases for the judge, each with the manifests that waypost gets."""
    places = meshes.places(r)
    for place in places:
        if place["kind"].startswith("gateway"):
            leads_on(place)
        if place["kind"] == "sidecar":
            ports = next(o for o in place["objects"] if o["metadata"]["name"] == "httpbin")["spec"]["ports"]
            place["numbers"] = {}
            for port in ports:
                place["numbers"].setdefault(port["targetPort"], port["port"])
    weights = [{"sidecar": 45, "waypoint": 40, "gateway": 9, "gateway-api": 6}[place["kind"]] for place in places]
    for i in range(count):
        place = r.choices(places, weights)[0]
        made = [policies.authorization_policy(r, j, place, False) for j in range(r.choice([0, 1, 1, 2, 2, 3]))]
        made = [p for p in made if is_asked_here(p, place)]
        if place["kind"] == "sidecar" and r.random() < 0.3:
            made += [policies.peer_authentication(r, j, place, ["UNSET", "PERMISSIVE", "STRICT"]) for j in range(r.choice([1, 2]))]
        mesh = {**(json.loads(place["mesh"]) if place["mesh"] else {}), **r.choice(logs.FORMATS)}
        known = callers(place)
        ask = Ask(r, place, made, known)
        objects = made + place["objects"]
        standing_here = standing(place, mesh) + [o for c in known for o in c.objects(place["kind"] == "sidecar")]
        yield {"id": f"{place['kind']}-{i}", "mesh": json.dumps(mesh), "workload": dict(place["point"]),
               "objects": "\n---\n".join(json.dumps(o) for o in objects), "requests": [ask.one() for _ in range(requests)]}, objects + standing_here
