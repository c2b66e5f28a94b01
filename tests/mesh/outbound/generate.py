"""Random meshes in which sidecars call sidecars, pods in ambient mode, and pods outside the mesh: with DestinationRules,
Sidecars, headless Services, mixed endpoints, PeerAuthentication by port, and annotations of capture."""

import json

NAMESPACES = ["alpha", "beta", "gamma"]
APPS = ["web", "db", "api"]
# name, port and target of a Service's port. What speaks HTTP and what does not has ports of its own: istiod gives the listener of a
# port that two Services declare otherwise to one of them, which is no question of transport
HTTP = [("http", 80, 8080), ("http-web", 8000, 8000), ("grpc", 8100, 8100), ("http", 80, 80)]
TCP = [("tcp", 5432, 5432), ("tcp-db", 6379, 7000), ("mongo", 27017, 27017)]
AUTO = [("auto", 9000, 9000), ("", 9100, 9101)]
VERSIONS = ["1.24.0", "1.27.3", "1.29.1", "1.31.0", "1.32.0"]
TLS = ["DISABLE", "ISTIO_MUTUAL", "SIMPLE"]
MTLS = ["STRICT", "PERMISSIVE", "DISABLE", "UNSET"]
# of all targets above, and one that nothing names
POD_PORTS = [8080, 8000, 5432, 6379, 7000, 9000, 4242]


class World:
    """One mesh, and what is asked of it."""

    def __init__(self, rng, number):
        self.rng, self.number, self.objects, self.clock = rng, number, [], 0
        self.pods, self.services = [], []
        # what every pod of a namespace is, or that each is something else
        self.modes = {n: rng.choice(["sidecar", "sidecar", "ambient", "mixed"]) for n in NAMESPACES}
        self.modes["alpha"] = rng.choice(["sidecar", "mixed"])
        for name in ["istio-system", *NAMESPACES]:
            self.add("v1", "Namespace", None, name)
        for number, name in enumerate(NAMESPACES):
            self.namespace(number, name)
        self.mesh = self.mesh_config()
        self.policies()

    def add(self, version, kind, namespace, name, labels=None, annotations=None, **rest):
        self.clock += 1
        metadata = {"name": name, "creationTimestamp": f"2026-01-01T{self.clock // 3600:02}:{self.clock // 60 % 60:02}:{self.clock % 60:02}Z"}
        if namespace:
            metadata["namespace"] = namespace
        if labels:
            metadata["labels"] = labels
        if annotations:
            metadata["annotations"] = annotations
        self.objects.append({"apiVersion": version, "kind": kind, "metadata": metadata, **rest})

    def mesh_config(self):
        rng, config = self.rng, {"rootNamespace": "istio-system"}
        if rng.random() < 0.15:
            config["enableAutoMtls"] = False
        if rng.random() < 0.25:
            config["outboundTrafficPolicy"] = {"mode": "REGISTRY_ONLY"}
        if rng.random() < 0.1:
            config["defaultServiceExportTo"] = [rng.choice([".", "*"])]
        if rng.random() < 0.1:
            config["defaultDestinationRuleExportTo"] = [rng.choice([".", "*"])]
        return config

    def namespace(self, number, name):
        rng = self.rng
        for index in range(rng.choice([2, 3, 4])):
            self.pod(name, f"{rng.choice(APPS)}-{index}", f"10.{number + 1}.{self.number % 250}.{index + 1}")
        for index, app in enumerate(rng.sample(APPS, rng.choice([1, 2, 3]))):
            self.service(name, app, f"10.96.{number}.{index + 1}")

    def pod(self, namespace, name, ip):
        rng, app = self.rng, name.split("-")[0]
        mode = self.modes[namespace]
        mode = rng.choice(["sidecar", "sidecar", "ambient", "plain"]) if mode == "mixed" else mode
        labels, annotations = {"app": app, "version": rng.choice(["v1", "v2"])}, {}
        hbone = False
        if mode == "sidecar":
            hbone = rng.random() < 0.7
            labels |= {"security.istio.io/tlsMode": "istio", "networking.istio.io/tunnel": "http" if hbone else "none"}
            annotations["sidecar.istio.io/status"] = "{}"
            self.capture(annotations)
        elif mode == "ambient":
            labels["istio.io/dataplane-mode"] = "ambient"
            annotations["ambient.istio.io/redirection"] = "enabled"
        spec = {"serviceAccountName": app, "nodeName": "n1", "containers": [{"name": "app", "image": "example.com/app"}]}
        status = {"podIP": ip, "podIPs": [{"ip": ip}], "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        self.add("v1", "Pod", namespace, name, labels, annotations, spec=spec, status=status)
        own = {"namespace": namespace, "name": name, "labels": labels, "ip": ip, "mode": mode, "hbone": hbone, "annotations": annotations}
        self.pods.append(own | {"version": rng.choice(VERSIONS)})

    def capture(self, annotations):
        rng, of = self.rng, "traffic.sidecar.istio.io/"
        if rng.random() < 0.2:
            annotations[of + "excludeOutboundPorts"] = ",".join(str(p) for p in rng.sample([80, 5432, 6379, 9000], rng.choice([1, 2])))
        if rng.random() < 0.12:
            annotations[of + "excludeOutboundIPRanges"] = rng.choice(["10.96.0.0/24", "10.2.0.0/16", "10.96.1.1/32,10.3.0.0/16"])
        if rng.random() < 0.08:
            annotations[of + "includeOutboundIPRanges"] = rng.choice(["*", "10.96.0.0/16", "10.1.0.0/16,10.2.0.0/16", ""])
        if rng.random() < 0.05:
            annotations[of + "includeOutboundPorts"] = rng.choice(["80", "5432,9000"])

    def service(self, namespace, app, ip):
        rng = self.rng
        ports = [rng.choice(HTTP)] if rng.random() < 0.7 else []
        ports += [p for p in (rng.choice(TCP), rng.choice(AUTO)) if rng.random() < 0.5]
        ports = ports or [rng.choice(TCP)]
        headless = rng.random() < 0.35
        annotations = {"networking.istio.io/exportTo": rng.choice([".", "*", "beta", ".,alpha", "~"])} if rng.random() < 0.1 else {}
        spec = {"clusterIP": "None" if headless else ip, "selector": {"app": app}}
        spec["ports"] = [{"name": n or "any", "port": p, "targetPort": t, "protocol": "TCP"} for n, p, t in ports]
        if len(ports) == 1 and not ports[0][0]:
            del spec["ports"][0]["name"]
        self.add("v1", "Service", namespace, app, None, annotations, spec=spec)
        behind = [p for p in self.pods if p["namespace"] == namespace and p["labels"]["app"] == app]
        slices = [{"name": p.get("name", ""), "port": p["targetPort"], "protocol": "TCP"} for p in spec["ports"]]
        endpoints = [
            {"addresses": [p["ip"]], "conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": p["name"], "namespace": namespace}} for p in behind
        ]
        if behind:
            self.add("discovery.k8s.io/v1", "EndpointSlice", namespace, app, {"kubernetes.io/service-name": app}, addressType="IPv4", ports=slices, endpoints=endpoints)
        self.services.append({"namespace": namespace, "name": app, "ip": None if headless else ip, "ports": ports, "pods": behind})

    def policies(self):
        rng = self.rng
        if rng.random() < 0.5:
            self.peer("istio-system", "default", None)
        for namespace in NAMESPACES:
            if rng.random() < 0.3:
                self.peer(namespace, "default", None)
            if rng.random() < 0.4:
                self.peer(namespace, "own", rng.choice(APPS))
            if rng.random() < 0.35:
                self.sidecar(namespace, "default", None)
            if rng.random() < 0.15:
                self.sidecar(namespace, "own", rng.choice(APPS))
        for index in range(rng.choice([0, 1, 2, 3, 4, 6])):
            self.rule(index)

    def peer(self, namespace, name, app):
        rng, spec = self.rng, {"mtls": {"mode": self.rng.choice(MTLS)}}
        if app:
            spec["selector"] = {"matchLabels": {"app": app}}
            if rng.random() < 0.7:
                spec["portLevelMtls"] = {str(p): {"mode": rng.choice(MTLS)} for p in rng.sample([8080, 80, 5432, 7000, 9000], 2)}
        self.add("security.istio.io/v1", "PeerAuthentication", namespace, name, spec=spec)

    def sidecar(self, namespace, name, app):
        rng = self.rng
        pool = ["./*", "*/*", "alpha/*", "beta/*", "gamma/*", "~/*", "beta/web.beta.svc.cluster.local", "*/db.gamma.svc.cluster.local", "./web.alpha.svc.cluster.local"]
        hosts = rng.sample(pool, rng.choice([1, 2, 3]))
        # beside others it takes their services away, in releases that are not out yet
        hosts = ["~/*"] if "~/*" in hosts else hosts
        spec = {"egress": [{"hosts": hosts}]} if rng.random() < 0.9 else {}
        if rng.random() < 0.3:
            spec["outboundTrafficPolicy"] = {"mode": rng.choice(["REGISTRY_ONLY", "ALLOW_ANY"])}
        if spec and app:
            spec["workloadSelector"] = {"labels": {"app": app}}
        if spec:
            self.add("networking.istio.io/v1", "Sidecar", namespace, name, spec=spec)

    def rule(self, index):
        rng, of = self.rng, self.rng.choice(self.services)
        full = f"{of['name']}.{of['namespace']}.svc.cluster.local"
        hosts = [full, full, full, f"*.{of['namespace']}.svc.cluster.local", "*.local", "*.svc.cluster.local"]
        namespace, host = rng.choice([of["namespace"], of["namespace"], "istio-system", *NAMESPACES]), rng.choice(hosts)
        spec = {"host": host}
        policy = self.traffic()
        if rng.random() < 0.35:
            ports = rng.sample([p for _, p, _ in of["ports"]], 1)
            policy["portLevelSettings"] = [{"port": {"number": p}, **(self.traffic() or {"connectionPool": {"tcp": {"maxConnections": 9}}})} for p in ports]
        if policy:
            spec["trafficPolicy"] = policy
        if rng.random() < 0.2:
            spec["exportTo"] = rng.choice([["."], ["*"], ["alpha"], ["beta", "gamma"]])
        if rng.random() < 0.15:
            # the webhook wants no other namespace then
            spec |= {"workloadSelector": {"matchLabels": {"app": rng.choice(APPS)}}, "exportTo": ["."]}
        self.add("networking.istio.io/v1", "DestinationRule", namespace, f"rule-{index}", spec=spec)

    def traffic(self):
        rng, policy = self.rng, {}
        if rng.random() < 0.7:
            policy["tls"] = {"mode": rng.choice(TLS)}
        if rng.random() < 0.1:
            policy["loadBalancer"] = {"simple": rng.choice(["PASSTHROUGH", "ROUND_ROBIN"])}
        return policy

    def asks(self):
        """What each sidecar's application connects to: by the names of Services, and by addresses of pods."""
        rng, found = self.rng, []
        for index, client in enumerate(self.clients()):
            for of in self.services:
                host = f"{of['name']}.{of['namespace']}.svc.cluster.local"
                for name, port, _ in of["ports"]:
                    addresses = [of["ip"]] if of["ip"] else [p["ip"] for p in of["pods"]]
                    for address in addresses:
                        ask = {"client": index, "address": address, "port": port, "service": f"{of['namespace']}/{of['name']}"}
                        if name.startswith(("http", "grpc")) or name in ("auto", "") and rng.random() < 0.5:
                            ask["host"] = f"{host}:{port}"
                        found.append(ask)
            for pod in self.pods:
                for port in rng.sample(POD_PORTS, 2):
                    ask = {"client": index, "address": pod["ip"], "port": port}
                    if rng.random() < 0.5 and port in (8080, 8000, 9000, 4242):
                        ask["host"] = f"{pod['ip']}:{port}"
                    found.append(ask)
        # what a pod sends to itself its sidecar does not see
        return [a for a in found if a["address"] != self.clients()[a["client"]]["ip"]]

    def clients(self):
        return [p for p in self.pods if p["mode"] == "sidecar"]

    def case(self):
        documents = "\n---\n".join(json.dumps(o) for o in self.objects)
        return {"id": f"world-{self.number}", "mesh": json.dumps(self.mesh), "objects": documents, "clients": self.clients(), "asks": self.asks()}
