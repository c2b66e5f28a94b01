"""What stands there before any policy: mesh configurations, Services, gateways, and the points that are asked.

Each mesh configuration has one set of objects of each kind, drawn from the seed: an istiod is started for each.
"""

import json

AUTHZ = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "authz", "namespace": "foo"},
         "spec": {"clusterIP": "10.96.8.8", "ports": [{"name": "grpc", "port": 9000}]}}
PROVIDERS = {"extensionProviders": [{"name": "authz", "envoyExtAuthzGrpc": {"service": "authz.foo.svc.cluster.local", "port": 9000}}]}
TRUSTED = {"defaultConfig": {"gatewayTopology": {"numTrustedProxies": 2}}}
MESHES = [
    {},
    {"trustDomain": "td1", "trustDomainAliases": ["cluster.local", "old-td"], "pathNormalization": {"normalization": "BASE"}, **PROVIDERS},
    {"trustDomain": "td1", "trustDomainAliases": ["td2"], "pathNormalization": {"normalization": "MERGE_SLASHES"}},
    {"trustDomain": "td1", "pathNormalization": {"normalization": "NONE"}},
    {"trustDomainAliases": ["td1", "td2"], "pathNormalization": {"normalization": "DECODE_AND_MERGE_SLASHES"}, **TRUSTED},
    {"rootNamespace": "baz", "trustDomain": "td2", "trustDomainAliases": ["a.td1"]},
]
KINDS = ["sidecar", "waypoint", "gateway", "gateway-api"]

# names and appProtocols of ports, and whether a client must speak HTTP there
PORTS = [
    ("http", None, True), ("http-web", None, True), ("http2", None, True), ("grpc", None, True), ("grpc-web", None, True),
    ("tcp", None, False), ("tcp-x", None, False), ("tls", None, False), ("https", None, False), ("redis", None, False),
    ("mysql", None, False), ("web", None, None), ("x-http", None, None), ("a", "http", True), ("a", "HTTP", True),
    ("tcp", "http2", True), ("a", "grpc", True), ("a", "grpc-web", True), ("a", "http-foo", True), ("http", "tcp", False),
    ("tcp", "http", True), ("tcp", "kubernetes.io/h2c", True), ("tcp", "kubernetes.io/ws", True),
    ("http", "kubernetes.io/wss", False), ("http", "kubernetes.io/http", None), ("http", "h2c", None), ("tcp", "ws", None),
    ("http", "wss", None), ("a", "http_proxy", True), ("a", "TLS", False), ("a", "https", False), ("http", "unknown", None),
]
NUMBERS = [80, 8080, 9000, 8443, 7000, 3306, 25, 27017, 8000, 9090]


def root_of(mesh):
    return mesh.get("rootNamespace", "istio-system")


def service(r, name, namespace, vip, labels=None, selector=None):
    """A Service, and for each of its ports the number, the pods' number, and what must be spoken there."""
    ports, known = [], []
    for i, number in enumerate(r.sample(NUMBERS, 6)):
        word, app_protocol, speaks = r.choice(PORTS)
        if speaks is None and number in (3306, 25, 27017):
            speaks = False  # taken for TCP by its number
        target = number + r.choice([0, 1000])
        ports.append({"name": f"{word}-{i}" if word in ("http", "tcp", "grpc-web") else f"{word}{i}" if word in ("web", "a") else word + "-" + str(i),
                      "port": number, "targetPort": target, **({"appProtocol": app_protocol} if app_protocol else {})})
        known.append((number, target, speaks))
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
            "spec": {"clusterIP": vip, "selector": selector or {"app": name}, "ports": ports}}, known


def service_entry(r):
    ports, known = [], []
    for number, protocol in zip(r.sample(NUMBERS, 5), r.sample(["HTTP", "TCP", "HTTP2", "GRPC", "TLS", "HTTPS", "", "GRPC-Web", "HTTP_PROXY"], 5)):
        speaks = None if protocol == "" else protocol.startswith(("HTTP2", "GRPC", "HTTP_")) or protocol == "HTTP"
        # the name must not count
        ports.append({"number": number, "name": r.choice(["http", "tcp", "x"]) + f"-{number}", **({"protocol": protocol} if protocol else {})})
        known.append((number, number, speaks))
    return {"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
            "metadata": {"name": "ext", "namespace": "foo", "labels": {"istio.io/use-waypoint": "waypoint"}},
            "spec": {"hosts": ["ext.example.com"], "addresses": ["10.96.9.9"], "ports": ports, "resolution": "STATIC",
                     "location": "MESH_INTERNAL", "endpoints": [{"address": "10.250.9.9"}]}}, known


def sidecar(r):
    made, ports = service(r, "httpbin", "foo", "10.96.1.1")
    point = {"kind": "sidecar", "namespace": "foo", "labels": {"app": "httpbin", "version": "v1"}}
    by_target = {}
    for _, target, speaks in ports:
        by_target.setdefault(target, speaks)  # of two declarations of one port the first counts
    undeclared = [(81, 81, None), (65535, 65535, None)]
    return {"kind": "sidecar", "point": point, "objects": [made], "ports": {"": [(t, t, s) for t, s in by_target.items()] + undeclared}}


def waypoint(r):
    use = {"istio.io/use-waypoint": "waypoint"}
    objects, ports = [], {}
    for name, namespace, vip in [("httpbin", "foo", "10.96.1.1"), ("other", "foo", "10.96.1.2"), ("remote", "bar", "10.96.1.3")]:
        labels = use if namespace == "foo" else {**use, "istio.io/use-waypoint-namespace": "foo"}
        made, known = service(r, name, namespace, vip, labels)
        objects.append(made)
        ports[f"{namespace}/{name}"] = known
    made, ports["foo/ext"] = service_entry(r)
    objects.append(made)
    objects.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": "foo", "labels": {**use, "app": "httpbin"}},
                    "spec": {"containers": [{"name": "c", "image": "c"}], "nodeName": "n", "serviceAccountName": "a"},
                    "status": {"podIP": "10.250.0.1", "podIPs": [{"ip": "10.250.0.1"}], "phase": "Running",
                               "conditions": [{"type": "Ready", "status": "True"}]}})
    ports["10.250.0.1"] = [(n, n, None) for n in (80, 8080, 9000)]
    return {"kind": "waypoint", "point": {"kind": "waypoint", "namespace": "foo", "name": "waypoint"}, "objects": objects, "ports": ports}


# port, protocol, TLS mode, how a client connects, what it must speak
SERVERS = [
    (80, "HTTP", None, "", True), (8080, "HTTP2", None, "", True), (9090, "GRPC", None, "", True),
    (443, "HTTPS", "SIMPLE", "terminate", True), (8443, "HTTPS", "MUTUAL", "mutual", True),
    (444, "HTTPS", "OPTIONAL_MUTUAL", "either", True), (9000, "TCP", None, "", False),
    (9443, "TLS", "PASSTHROUGH", "passthrough", False), (9444, "TLS", "SIMPLE", "terminate", False),
    (9445, "TLS", "MUTUAL", "mutual", False), (9446, "HTTPS", "PASSTHROUGH", "passthrough", False),
]
SNIS = ["a.com", "b.a.com", "x.b.a.com"]


def gateway(r):
    servers, bound, tcp, tls, ports = [], [], [], [], []
    moved = r.choice([0, 10000])
    for number, protocol, mode, how, speaks in SERVERS:
        server = {"port": {"number": number, "name": f"p{number}", "protocol": protocol}, "hosts": ["*"]}
        if mode:
            server["tls"] = {"mode": mode, **({} if mode == "PASSTHROUGH" else {"credentialName": "cert"})}
        servers.append(server)
        ports.append({"name": f"p{number}", "port": number, "targetPort": number + moved})
        bound.append((number + moved, how, speaks))
        route = [{"destination": {"host": "httpbin.foo.svc.cluster.local", "port": {"number": 80}}}]
        if mode == "PASSTHROUGH":
            tls.append({"match": [{"port": number, "sniHosts": SNIS}], "route": route})
        elif not speaks:
            tcp.append({"match": [{"port": number}], "route": route})
    labels = {"app": "ingress", "istio": "ingressgateway"}
    objects = [
        {"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "gw", "namespace": "foo"},
         "spec": {"selector": {"istio": "ingressgateway"}, "servers": servers}},
        {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "vs", "namespace": "foo"},
         "spec": {"hosts": ["*"], "gateways": ["gw"], "tcp": tcp, "tls": tls, "http": [{"route": route}]}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ingress", "namespace": "foo"},
         "spec": {"clusterIP": "10.96.3.1", "selector": labels, "ports": ports}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "httpbin", "namespace": "foo"},
         "spec": {"clusterIP": "10.96.1.1", "ports": [{"name": "http", "port": 80}]}},
    ]
    return {"kind": "gateway", "point": {"kind": "gateway", "namespace": "foo", "labels": labels}, "objects": objects, "servers": bound}


def gateway_api(r):
    numbers = [80, 8080, r.choice([8081, 9000])]
    labels = {"app": "gw", "gateway.networking.k8s.io/gateway-name": "gw", "gateway.networking.k8s.io/gateway-class-name": "istio",
              "gateway.istio.io/managed": "istio.io-gateway-controller", "istio.io/dataplane-mode": "none"}
    listeners = [{"name": f"http-{n}", "port": n, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}} for n in numbers]
    objects = [
        {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "gw", "namespace": "foo", "labels": {"app": "gw"}},
         "spec": {"gatewayClassName": "istio", "listeners": listeners}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "gw-istio", "namespace": "foo"},
         "spec": {"clusterIP": "10.96.3.2", "selector": {"gateway.networking.k8s.io/gateway-name": "gw"},
                  "ports": [{"name": f"http-{n}", "port": n, "targetPort": n} for n in numbers]}},
    ]
    return {"kind": "gateway-api", "point": {"kind": "gateway", "namespace": "foo", "labels": labels, "name": "gw"}, "objects": objects,
            "servers": [(n, "", True) for n in numbers]}


def places(r):
    """For each mesh configuration one place of each kind."""
    make = {"sidecar": sidecar, "waypoint": waypoint, "gateway": gateway, "gateway-api": gateway_api}
    out = []
    for mesh in MESHES:
        for kind in KINDS:
            place = make[kind](r)
            if "extensionProviders" in mesh:
                place["objects"].append(AUTHZ)
            place.update(mesh=json.dumps(mesh) if mesh else "", root=root_of(mesh),
                         domains=[mesh.get("trustDomain", "cluster.local"), *mesh.get("trustDomainAliases", [])])
            out.append(place)
    return out
