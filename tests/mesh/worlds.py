"""Seeded meshes: namespaces with pods, Services and waypoints, and sets of policies for them.

Values come from small pools, so that rules meet workloads, and reach every field of the policies and both
sides of every limit that ztunnel, istiod or the webhook has.
"""

APPS = ["a", "b", "c"]
TRUST_DOMAINS = ["cluster.local", "td1", "old-td", "*", "td*", "*.local"]
NAMESPACES = ["*", "s00*", "*1", "s001", "other", "istio-system", "s*"]
IDENTITIES = [
    "*", "cluster.local/ns/s001/sa/a", "cluster.local/ns/s00*", "*/ns/s001/sa/a", "*/sa/a", "td1/ns/s001/sa/b", "old-td/ns/x/sa/y",
    "cluster.local/ns/s001/*", "spiffe://cluster.local/ns/s001/sa/a", "a*b", "ns/a", "*cluster.local",
]
ACCOUNTS = ["a", "b", "s001/a", "other/default", "*", "a/b/c", "s001/*"]
ADDRESSES = [
    "10.1.0.0/16", "10.1.0.5", "10.1.0.5/32", "10.1.3.7/16", "0.0.0.0/0", "::1", "fd00::/8", "::/0", "::ffff:10.1.0.1", "2001:db8::1/64", "10.0.0.0/33",
    "10.1", "1.2.3.4/08", "",
]
PORTS = ["80", "8080", "15008", "1", "65535", "65536", "0", "http", "-1", "+80", "080", "1e3"]
PATHS = ["/", "/a", "/a*", "*/b", "*", "/a/{*}", "/a/{**}", "/{**}/{*}"]
HOSTS = ["a.com", "*.a.com", "a.com:80", "*"]
METHODS = ["GET", "*", "P*"]
REQUEST_PRINCIPALS = ["*", "iss/sub", "iss/*", "*/sub"]
KEYS = {
    "source.ip": ADDRESSES, "source.namespace": NAMESPACES, "source.principal": IDENTITIES, "destination.ip": ADDRESSES, "destination.port": PORTS,
    "remote.ip": ADDRESSES, "connection.sni": HOSTS, "request.headers[x]": ["v", "v*", "*"], "request.auth.principal": REQUEST_PRINCIPALS,
    "request.auth.audiences": ["a"], "request.auth.presenter": ["a"], "request.auth.claims[groups]": ["a", "*"], "request.auth.claims[a][b]": ["c"],
    "source.serviceAccount": ACCOUNTS, "destination.labels[app]": ["a"], "request.headers": ["a"], "experimental.envoy.filters.network.mysql_proxy[a.b]": ["[c]"],
    "source.user": ["a"], "": ["a"],
}
SOURCE = {
    "principals": IDENTITIES, "requestPrincipals": REQUEST_PRINCIPALS, "namespaces": NAMESPACES, "ipBlocks": ADDRESSES, "remoteIpBlocks": ADDRESSES,
    "serviceAccounts": ACCOUNTS, "trustDomains": TRUST_DOMAINS,
}
BOOLEANS = ["true", "false", "True", "1", "yes"]
DISTRIBUTIONS = ["PreferClose", "prefersamezone", "PreferSameNode", "Any", ""]
OPERATION = {"hosts": HOSTS, "ports": PORTS, "methods": METHODS, "paths": PATHS}


def some(rng, pool, most=3):
    """One to a few values; mostly one."""
    return [rng.choice(pool) for _ in range(rng.choice([1] * 4 + list(range(2, most + 1))))]


def fields(rng, pools, share):
    """Some fields with values, positive and negative."""
    made = {}
    for name, pool in pools.items():
        for field in (name, "not" + name[0].upper() + name[1:]):
            if rng.random() < share:
                made[field] = some(rng, pool)
    return made


def policy(rng, namespace, name):
    """An AuthorizationPolicy."""
    o = {"apiVersion": rng.choice(["security.istio.io/v1", "security.istio.io/v1beta1"]), "kind": "AuthorizationPolicy"}
    o["metadata"] = {"namespace": namespace, "name": name}
    if rng.random() < 0.12:
        o["metadata"]["annotations"] = {"istio.io/dry-run": rng.choice(["true", "true", "false", "True", "1", "x"])}
    spec = o["spec"] = {}
    action = rng.choice(["ALLOW", "ALLOW", "DENY", "DENY", "DENY", None, "AUDIT", "CUSTOM"])
    if action:
        spec["action"] = action
    if action == "CUSTOM" and rng.random() < 0.9:
        spec["provider"] = {"name": "authz"}
    attach(rng, spec)
    # a few values that the webhook refuses are enough: most sets should be in force
    limits = rng.random() < 0.15
    layer4 = rng.random() < 0.6
    rules = []
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        rule = {}
        if rng.random() < 0.6:
            rule["from"] = [{"source": source(rng, layer4, limits)} for _ in range(rng.choice([1, 1, 2]))]
        if rng.random() < 0.5:
            rule["to"] = [{"operation": operation(rng, layer4, limits)} for _ in range(rng.choice([1, 1, 2]))]
        if rng.random() < 0.4:
            rule["when"] = [condition(rng, layer4, limits) for _ in range(rng.choice([1, 1, 2]))]
        rules.append(rule)
    if rules or rng.random() < 0.3:
        spec["rules"] = rules
    return o


def attach(rng, spec):
    """A selector, a target, or nothing."""
    what = rng.random()
    if what < 0.35:
        labels = rng.choice([{"app": "a"}, {"app": "b"}, {"app": "a", "version": "v1"}, {"version": "v2"}, {"app": "nobody"}, {}])
        spec["selector"] = {"matchLabels": labels} if labels or rng.random() < 0.5 else {}
    elif what < 0.5:
        target = rng.choice(
            [
                {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"},
                {"group": "", "kind": "Service", "name": "svc-a"},
                {"group": "gateway.networking.k8s.io", "kind": "GatewayClass", "name": "istio-waypoint"},
                {"group": "networking.istio.io", "kind": "ServiceEntry", "name": "entry"},
            ]
        )
        if rng.random() < 0.5:
            spec["targetRef"] = target
        else:
            spec["targetRefs"] = [target]


def good(values, limits):
    """The values that the webhook takes, unless limits are looked for."""
    bad = {"10.0.0.0/33", "10.1", "1.2.3.4/08", "", "65536", "0", "http", "-1", "+80", "1e3", "080", "/{**}/{*}", "a/b/c", "*", "s001/*", "a*b"}
    return values if limits else [v for v in values if v not in bad or v == "*" and "a/b/c" not in values]


def source(rng, layer4, limits):
    pools = {k: good(v, limits) for k, v in SOURCE.items()}
    if layer4:
        for name in ("requestPrincipals", "remoteIpBlocks"):
            pools.pop(name)
    made = fields(rng, pools, 0.2)
    if not limits and ("serviceAccounts" in made or "notServiceAccounts" in made):
        for name in ("principals", "notPrincipals", "namespaces", "notNamespaces"):
            made.pop(name, None)
    return made or {"namespaces": [rng.choice(good(NAMESPACES, False))]}


def operation(rng, layer4, limits):
    pools = {k: good(v, limits) for k, v in OPERATION.items()}
    made = fields(rng, {"ports": pools["ports"]} if layer4 else pools, 0.3)
    return made or {"ports": ["80"]}


def condition(rng, layer4, limits):
    keys = ["source.ip", "source.namespace", "source.principal", "destination.ip", "destination.port"] if layer4 else list(KEYS)
    if not limits:
        keys = [k for k in keys if k not in ("source.serviceAccount", "destination.labels[app]", "request.headers", "source.user", "")]
    key = rng.choice(keys)
    made = {"key": key}
    pool = good(KEYS[key], limits)
    which = rng.random()
    if which < 0.75:
        made["values"] = some(rng, pool)
    if which > 0.6:
        made["notValues"] = some(rng, pool)
    return made


def peer(rng, namespace, name, wide=False):
    """A PeerAuthentication."""
    modes = ["STRICT", "PERMISSIVE", "DISABLE", "UNSET"]
    spec = {}
    if not wide:
        spec["selector"] = {"matchLabels": rng.choice([{"app": "a"}, {"app": "b"}, {"app": "a", "version": "v1"}, {"version": "v2"}])}
        if rng.random() < 0.7:
            spec["portLevelMtls"] = {p: {"mode": rng.choice(modes)} for p in rng.sample(["80", "8080", "9090", "1", "65535"], rng.choice([1, 1, 2, 3]))}
    if rng.random() < 0.85:
        spec["mtls"] = {"mode": rng.choice(modes)}
    return {"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": {"namespace": namespace, "name": name}, "spec": spec}


def policy_set(rng, namespace):
    """The policies of one namespace."""
    made = [policy(rng, namespace, f"p{i}") for i in range(rng.choice([1, 1, 2, 2, 3, 4]))]
    # one for the namespace and one for workloads, in this order. Of two for one place the older holds, which manifests do not
    # tell; and istiod 1.31-dev does not convert a workload's again when that of its namespace or of the root namespace comes
    # or changes later (policies.go looks them up outside of what krt tracks)
    if rng.random() < 0.3:
        made.append(peer(rng, namespace, "q0", wide=True))
    if rng.random() < 0.35:
        made.append(peer(rng, namespace, "q1"))
    return made


def namespace(rng, number):
    """A namespace, and what is in it before policies."""
    name = f"s{number:03}"
    labels = {}
    mode = rng.choice(["ambient"] * 6 + ["none", None, None])
    if mode:
        labels["istio.io/dataplane-mode"] = mode
    if rng.random() < 0.12:
        labels["istio-injection"] = rng.choice(["enabled", "enabled", "disabled"])
    use_waypoint(rng, labels, 0.5)
    if rng.random() < 0.15:
        labels["istio.io/ingress-use-waypoint"] = rng.choice(BOOLEANS)
    made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}]
    if rng.random() < 0.15:
        made[0]["metadata"]["annotations"] = {"networking.istio.io/traffic-distribution": rng.choice(DISTRIBUTIONS)}
    for app in rng.sample(APPS, rng.choice([1, 2, 2, 3])):
        made += [pod(rng, name, app, number, version) for version in rng.choice([["v1"], ["v1"], ["v1", "v2"]])]
        if rng.random() < 0.7:
            made.append(service(rng, name, app, number))
    if rng.random() < 0.5:
        made += waypoint(rng, name, number)
    if rng.random() < 0.4:
        made += [workload_entry(rng, name, f"vm-{i}", number) for i in range(rng.choice([1, 1, 2]))]
    if rng.random() < 0.6:
        services = [o["metadata"]["name"] for o in made if o["kind"] == "Service"]
        made += [service_entry(rng, name, f"entry{i or ''}", services) for i in range(rng.choice([1, 1, 2]))]
    return made


def use_waypoint(rng, labels, share):
    if rng.random() < share:
        labels["istio.io/use-waypoint"] = rng.choice(["waypoint", "waypoint", "waypoint", "none", "missing"])
        if rng.random() < 0.2:
            labels["istio.io/use-waypoint-namespace"] = rng.choice(["s000", "s001", "s002", "nowhere"])


def pod(rng, namespace, app, number, version):
    labels = {"app": app, "version": version}
    if rng.random() < 0.15:
        labels["istio.io/dataplane-mode"] = rng.choice(["none", "ambient"])
    if rng.random() < 0.1:
        labels["sidecar.istio.io/inject"] = rng.choice(["true", "false"])
    if rng.random() < 0.1:
        labels["app.kubernetes.io/name"] = f"{app}-name"
    use_waypoint(rng, labels, 0.1)
    index = APPS.index(app) * 2 + int(version == "v2")
    ports = [{"name": "http", "containerPort": 8080}, {"name": "admin", "containerPort": 9090}]
    if rng.random() < 0.15:
        ports.append({"name": "dns", "containerPort": 9053, "protocol": rng.choice(["UDP", "TCP"])})
    spec = {"serviceAccountName": rng.choice(["a", "b", "default"]), "nodeName": "n1", "containers": [{"name": "main", "image": "example.com/app", "ports": ports}]}
    status = {
        "phase": "Running",
        "podIP": f"10.1.{number % 250}.{10 + index + 20 * (number // 250)}",
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    status["podIPs"] = [{"ip": status["podIP"]}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": f"{app}-{version}", "labels": labels}, "spec": spec, "status": status}


def service(rng, namespace, app, number):
    labels = {}
    use_waypoint(rng, labels, 0.2)
    ports = [
        {"name": rng.choice(["http", "http-a", "tcp", "grpc", "web", "https", "mysql", "http2", "tls-x", "udp-x"]), "port": 80, "targetPort": rng.choice([8080, "http", "missing"])},
        {"name": "second", "port": rng.choice([9090, 3306, 443]), "targetPort": "admin"},
    ]
    if rng.random() < 0.2:
        ports[0]["appProtocol"] = rng.choice(["http", "kubernetes.io/h2c", "tcp", "https", "HTTP", "unknown", "kubernetes.io/ws"])
    if rng.random() < 0.1:
        ports.append({"name": "dns", "port": 53, "protocol": "UDP", "targetPort": rng.choice([53, "dns"])})
    spec = {"selector": {"app": app}, "ports": ports[: rng.choice([1, 2, 3])], "clusterIP": f"10.96.{1 + number % 250}.{10 + APPS.index(app) + 10 * (number // 250)}"}
    if rng.random() < 0.15:
        spec["clusterIP"] = "None"
    if rng.random() < 0.15:
        spec["internalTrafficPolicy"] = rng.choice(["Local", "Cluster"])
    if rng.random() < 0.15:
        spec["trafficDistribution"] = rng.choice(["PreferClose", "PreferSameZone", "PreferSameNode"])
    if rng.random() < 0.15:
        spec["publishNotReadyAddresses"] = rng.choice([True, False])
    if rng.random() < 0.15:
        labels["istio.io/ingress-use-waypoint"] = rng.choice(BOOLEANS)
    metadata = {"namespace": namespace, "name": f"svc-{app}", "labels": labels}
    if rng.random() < 0.15:
        metadata["annotations"] = {"networking.istio.io/traffic-distribution": rng.choice(DISTRIBUTIONS)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def machine(rng, address, names):
    """What WorkloadEntries and the endpoints of ServiceEntries say of a machine."""
    made = {"address": address}
    if rng.random() < 0.5:
        made["serviceAccount"] = rng.choice(["a", "b"])
    if rng.random() < 0.3:
        made["network"] = rng.choice(["net1", "net2"])
    if rng.random() < 0.3:
        made["locality"] = rng.choice(["r", "r/z", "r/z/s", "r//s", "r/z/s/more"])
    if rng.random() < 0.3:
        made["weight"] = rng.choice([0, 1, 7])
    if rng.random() < 0.5:
        made["ports"] = {n: rng.choice([80, 8443, 15432]) for n in rng.sample(names, rng.choice([1, len(names)]))}
    return made


def machine_labels(rng, share=0.2):
    labels = {"app": rng.choice(APPS), "version": rng.choice(["v1", "v2"])}
    if rng.random() < share:
        labels["networking.istio.io/tunnel"] = rng.choice(["http", "http", "none"])
    if rng.random() < share:
        labels["security.istio.io/tlsMode"] = rng.choice(["istio", "disabled"])
    if rng.random() < share:
        labels["service.istio.io/workload-name"] = "named"
    if rng.random() < share:
        labels["service.istio.io/canonical-name"] = "canonical"
    return labels


def workload_entry(rng, namespace, name, number):
    address = rng.choice([f"10.9.{number % 250}.{int(name[-1]) + 1 + 10 * (number // 250)}", f"{name}.{namespace}.example.com", "2001:db8::9"])
    spec = machine(rng, address, ["http", "second", "admin"])
    metadata = {"namespace": namespace, "name": name}
    where = rng.choice(["metadata", "spec", "both"])
    if where != "spec":
        metadata["labels"] = machine_labels(rng)
        use_waypoint(rng, metadata["labels"], 0.2)
    if where != "metadata":
        spec["labels"] = machine_labels(rng)
    if rng.random() < 0.2:
        metadata["annotations"] = {"ambient.istio.io/redirection": rng.choice(["enabled", "disabled"])}
    return {"apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry", "metadata": metadata, "spec": spec}


def service_entry(rng, namespace, name, services):
    """One that the webhook takes. Of two with one host the older holds, which manifests do not tell: no host has two."""
    resolution = rng.choice([None, "NONE", "STATIC", "STATIC", "DNS", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"])
    wild, spec = f"*.{name}.{namespace}.example.com", {"hosts": [f"{name}.{namespace}.example.com"]}
    if resolution == "DYNAMIC_DNS" or resolution in (None, "NONE", "STATIC") and rng.random() < 0.2:
        spec["hosts"] = [wild]
    elif services and name == "entry" and rng.random() < 0.3:
        # a Service goes before it
        spec["hosts"] = [f"{rng.choice(services)}.{namespace}.svc.cluster.local"]
    if resolution:
        spec["resolution"] = resolution
    location = rng.choice([None, "MESH_INTERNAL", "MESH_EXTERNAL"])
    if location and resolution != "DYNAMIC_DNS":
        spec["location"] = location
    words = ["HTTP", "TLS", "GRPC", "HTTP2"] if resolution == "DYNAMIC_DNS" else ["HTTP", "TLS", "TCP", "HTTPS", "http", "GRPC-Web", "MONGO", None]
    spec["ports"] = [{"number": n, "name": m} for n, m in [(80, "http"), (443, "second")][: rng.choice([1, 2])]]
    for port in spec["ports"]:
        word = rng.choice(words)
        if word:
            port["protocol"] = word
        if rng.random() < 0.3:
            port["targetPort"] = rng.choice([8080, 9443])
    if len(spec["hosts"]) == 1 and rng.random() < 0.3 and all(p.get("protocol") in ("HTTP", "TLS", "HTTPS") for p in spec["ports"]) and resolution != "DYNAMIC_DNS":
        spec["hosts"].append(f"second.{name}.{namespace}.example.com")
    if resolution != "DYNAMIC_DNS" and rng.random() < 0.35:
        blocks = ["198.51.100.0/24", "198.51.100.7/24", "2001:db8:1::/48"] if resolution in (None, "NONE", "STATIC") else []
        spec["addresses"] = some(rng, ["192.0.2.1", "192.0.2.9", "2001:db8::5", *blocks], 2)
    metadata = {"namespace": namespace, "name": name, "labels": machine_labels(rng, 0.1)}
    use_waypoint(rng, metadata["labels"], 0.3)
    if rng.random() < 0.15:
        metadata["labels"]["networking.istio.io/enable-autoallocate-ip"] = rng.choice(["false", "False", "true"])
    if rng.random() < 0.15:
        metadata["labels"]["istio.io/ingress-use-waypoint"] = rng.choice(BOOLEANS)
    annotations = metadata["annotations"] = {}
    if rng.random() < 0.15:
        annotations["networking.istio.io/traffic-distribution"] = rng.choice(DISTRIBUTIONS)
    if rng.random() < 0.1:
        annotations["ambient.istio.io/redirection"] = "enabled"
    if resolution in ("STATIC", "DNS") and rng.random() < 0.4:
        spec["workloadSelector"] = {"labels": {"app": rng.choice(APPS)}}
    elif resolution in ("STATIC", "DNS", "DNS_ROUND_ROBIN") and rng.random() < 0.7:
        pool = ["10.8.0.1", "10.8.0.2", "2001:db8::8"] + ([] if resolution == "STATIC" else ["one.example.com", "two.example.com"])
        names = [p["name"] for p in spec["ports"]]
        spec["endpoints"] = [machine(rng, a, names) for a in rng.sample(pool, 1 if resolution == "DNS_ROUND_ROBIN" else rng.choice([1, 2, 3]))]
        for endpoint in spec["endpoints"]:
            if rng.random() < 0.6:
                endpoint["labels"] = machine_labels(rng)
                use_waypoint(rng, endpoint["labels"], 0.3)
    if rng.random() < 0.2:
        spec["subjectAltNames"] = ["spiffe://cluster.local/ns/a/sa/b", "c.example.com"]
    return {"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": metadata, "spec": spec}


def waypoint(rng, namespace, number):
    """A waypoint, as istiod leaves it: with its Service and an address, or not programmed yet."""
    labels = {}
    serves = rng.choice([None, "service", "workload", "all", "all", "none"])
    if serves:
        labels["istio.io/waypoint-for"] = serves
    listener = {"name": "mesh", "port": 15008, "protocol": "HBONE"}
    allowed = rng.choice([None, None, "Same", "All", "Selector"])
    if allowed:
        listener["allowedRoutes"] = {"namespaces": {"from": allowed}}
        if allowed == "Selector":
            listener["allowedRoutes"]["namespaces"]["selector"] = {"matchLabels": {"kubernetes.io/metadata.name": rng.choice(["s000", namespace])}}
    host = f"waypoint.{namespace}.svc.cluster.local"
    status = {"conditions": [], "addresses": [{"type": "Hostname", "value": host}] if rng.random() < 0.85 else []}
    gateway = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"namespace": namespace, "name": "waypoint", "labels": labels}}
    gateway.update(spec={"gatewayClassName": "istio-waypoint", "listeners": [listener]}, status=status)
    ports = [{"name": "status-port", "port": 15021, "appProtocol": "tcp"}, {"name": "mesh", "port": 15008, "appProtocol": "all"}]
    for port in ports:
        port.update(protocol="TCP", targetPort=port["port"])
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": "waypoint", "labels": {"gateway.networking.k8s.io/gateway-name": "waypoint"}}}
    service["spec"] = {"selector": {"gateway.networking.k8s.io/gateway-name": "waypoint"}, "ports": ports, "clusterIP": f"10.96.{1 + number % 250}.{200 + number // 250}"}
    return [gateway, service]
