"""ztunnel and istio-cni, as far as appliers see them: DaemonSets that are rolled out."""

NAMESPACE = "istio-system"
NAMES = ("ztunnel", "istio-cni-node")


def install(plane, names=NAMES):
    """They are there. No node is theirs, so that their controller says at once that all are served."""
    for name in names:
        labels = {"app": name}
        spec = {"nodeSelector": {"nobody": "here"}, "containers": [{"name": name, "image": name}]}
        plane.create({**daemon_set(name), "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}})


def remove(plane, name):
    plane.request("DELETE", plane.path_of(daemon_set(name)))


def daemon_set(name):
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name, "namespace": NAMESPACE}}
