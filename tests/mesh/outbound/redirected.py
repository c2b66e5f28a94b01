"""What the rules that istio-init or istio-cni write send to a sidecar, by its pod's annotations
(istio/istio:tools/istio-iptables/pkg/capture/run.go, chain ISTIO_OUTPUT)."""

import ipaddress

OF = "traffic.sidecar.istio.io/"


def redirected(annotations, address, port):
    """Does the sidecar see a connection that the pod opens?"""
    words = lambda key, default="": [w.strip() for w in annotations.get(OF + key, default).split(",") if w.strip()]
    # excluded ports, then ranges, return before anything is included
    if str(port) in words("excludeOutboundPorts"):
        return False
    ip = ipaddress.ip_address(address)
    inside = lambda ranges: any(ip in ipaddress.ip_network(r, strict=False) for r in ranges)
    if inside(words("excludeOutboundIPRanges")):
        return False
    if str(port) in words("includeOutboundPorts"):
        return True
    ranges = words("includeOutboundIPRanges", "*")
    return "*" in ranges or inside(ranges)
