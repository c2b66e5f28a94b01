"""Random meshes of pods with sidecars and pods without: those of the part `outbound`, with policies of servers."""

import generate as outbound
import logs
from redirected import redirected

# ports that pods of the mesh are asked at by their addresses, and what is spoken there
BYTES = [5432, 7000, 27017, 4242]
REQUESTS = [8080, 8000]
# connections to these come to the application itself
OPEN = "traffic.sidecar.istio.io/excludeInboundPorts"


class World(outbound.World):
    """One mesh, and what is asked of it."""

    def pod(self, namespace, name, ip):
        # ztunnel is not there
        if self.modes[namespace] == "ambient":
            self.modes[namespace] = "mixed"
        super().pod(namespace, name, ip)
        own = self.pods[-1]
        if own["mode"] == "ambient":
            own["mode"] = "plain"
            of = self.objects[-1]["metadata"]
            del of["labels"]["istio.io/dataplane-mode"], of["annotations"]

    def capture(self, annotations):
        super().capture(annotations)
        if self.rng.random() < 0.2:
            annotations[OPEN] = ",".join(str(p) for p in self.rng.sample([8080, 8000, 5432, 7000, 9000], 2))

    def mesh_config(self):
        config = super().mesh_config()
        # what is dropped at the client says nothing of the rest
        if self.rng.random() < 0.6:
            config.pop("outboundTrafficPolicy", None)
        return config | logs.FORMATS[self.number % len(logs.FORMATS)]

    def policies(self):
        super().policies()
        rng = self.rng
        for namespace in outbound.NAMESPACES:
            for index in range(rng.choice([0, 1, 1, 2])):
                self.authorization(namespace, f"who-{index}")

    def authorization(self, namespace, name):
        rng = self.rng
        who = rng.choice([
            {"namespaces": [rng.choice(outbound.NAMESPACES)]},
            {"principals": ["*"]},
            {"principals": [f"cluster.local/ns/{rng.choice(outbound.NAMESPACES)}/sa/{rng.choice(outbound.APPS)}"]},
            {"notNamespaces": [rng.choice(outbound.NAMESPACES)]},
        ])
        rule = {"from": [{"source": who}]}
        if rng.random() < 0.3:
            rule["to"] = [{"operation": {"ports": [str(rng.choice([80, 8080, 8000, 5432, 7000]))]}}]
        spec = {"action": rng.choice(["DENY", "DENY", "ALLOW"]), "rules": [rule]}
        if rng.random() < 0.4:
            spec["selector"] = {"matchLabels": {"app": rng.choice(outbound.APPS)}}
        self.add("security.istio.io/v1", "AuthorizationPolicy", namespace, name, spec=spec)

    def asks(self):
        rng, found = self.rng, []
        for index, client in enumerate(self.clients()):
            for of in self.services:
                for name, port, _ in of["ports"]:
                    for address in [of["ip"]] if of["ip"] else [p["ip"] for p in of["pods"]]:
                        ask = {"client": index, "address": address, "port": port, "service": f"{of['namespace']}/{of['name']}"}
                        if name.startswith(("http", "grpc")) or name in ("auto", "") and rng.random() < 0.5:
                            ask["host"] = f"{of['name']}.{of['namespace']}.svc.cluster.local:{port}"
                        found.append(ask)
            for pod in rng.sample(self.pods, 3):
                port = rng.choice(BYTES)
                found.append({"client": index, "address": pod["ip"], "port": port})
                port = rng.choice(REQUESTS)
                found.append({"client": index, "address": pod["ip"], "port": port, "host": f"{pod['ip']}:{port}"})
        for ask in found:
            ask["past"] = not redirected(self.clients()[ask["client"]]["annotations"], ask["address"], ask["port"])
        # what a pod sends to itself its sidecar does not see
        return [a for a in found if a["address"] != self.clients()[a["client"]]["ip"]]

    def case(self):
        asked = super().case()
        ports = {p["ip"]: {*BYTES, *REQUESTS} for p in self.pods}
        services = []
        for of in self.services:
            for pod in of["pods"]:
                # a headless Service's port is not translated
                ports[pod["ip"]] |= {target if of["ip"] else port for _, port, target in of["ports"]} | {t for _, _, t in of["ports"]}
            if of["ip"]:
                to = {str(port): [f"{p['ip']}:{target}" for p in of["pods"]] for _, port, target in of["ports"]}
                services.append({"ip": of["ip"], "to": to})
        pods = []
        for pod in self.pods:
            own = {int(p) for p in pod["annotations"].get(OPEN, "").split(",") if p}
            pods.append(pod | {"ports": sorted(ports[pod["ip"]] - own), "open": sorted(ports[pod["ip"]] & own)})
        clients = [p for p in pods if p["mode"] == "sidecar"]
        return asked | {"pods": pods, "clients": clients, "services": services}
