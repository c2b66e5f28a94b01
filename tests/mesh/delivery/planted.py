"""Faults that are planted in a mesh where all is well, while its applier sleeps: `waypost verify` names each, with its fix."""

from control_plane import wait_until

from .verified import verify

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "client"}}
HTTPBIN = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "httpbin"}}


def of(api_version, kind, name, namespace="client"):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace, "name": name}}


WAYPOINT = of("gateway.networking.k8s.io/v1", "Gateway", "waypoint")
POLICY = of("security.istio.io/v1", "AuthorizationPolicy", "allow")
BOUND = of("security.istio.io/v1", "AuthorizationPolicy", "allow-waypoint")
MTLS = of("security.istio.io/v1", "PeerAuthentication", "default")
SLEEP = of("apps/v1", "Deployment", "sleep")
LABEL, USE_WAYPOINT = "istio.io/dataplane-mode", "istio.io/use-waypoint"
WIDE = of("security.istio.io/v1", "AuthorizationPolicy", "wide", "istio-system")
SERVICE = of("v1", "Service", "sleep")


def label(plane, o, name, value):
    plane.merge(o, {"metadata": {"labels": {name: value}}})


def restarted_with_a_sidecar(plane):
    label(plane, NAMESPACE, "istio-injection", "enabled")
    plane.kubectl("rollout", "restart", "deployment/sleep", "-n", "client")
    plane.kubectl("rollout", "status", "deployment/sleep", "-n", "client", "--timeout=120s")


def uncaptured(plane):
    pod = next(p for p in plane.list("v1", "Pod", "client") if p["metadata"]["labels"].get("app") == "sleep" and "deletionTimestamp" not in p["metadata"])
    plane.merge({"apiVersion": "v1", "kind": "Pod", **pod}, {"metadata": {"annotations": {"ambient.istio.io/redirection": None}}})


def foreign(plane):
    plane.create({**of("security.istio.io/v1", "AuthorizationPolicy", "mine"), "spec": {"rules": [{}]}})


def delete(o):
    return lambda plane: plane.request("DELETE", plane.path_of(o))


def merge(o, part):
    return lambda plane: plane.merge(o, part)


def template_label(plane, name, value):
    plane.merge(SLEEP, {"spec": {"template": {"metadata": {"labels": {name: value}}}}})


def scale(plane, replicas):
    plane.kubectl("scale", "deployment/waypoint", "-n", "client", f"--replicas={replicas}")


def without_a_sidecar(plane):
    """Restarted while its namespace does not inject."""
    label(plane, HTTPBIN, "istio-injection", "disabled")
    restart_httpbin(plane)
    label(plane, HTTPBIN, "istio-injection", "enabled")


def restart_httpbin(plane):
    plane.kubectl("rollout", "restart", "deployment/httpbin", "-n", "httpbin", "--field-manager=flux-client-side-apply")
    plane.kubectl("rollout", "status", "deployment/httpbin", "-n", "httpbin", "--timeout=120s")


def restart(plane):
    plane.kubectl("rollout", "restart", "deployment/sleep", "-n", "client", "--field-manager=flux-client-side-apply")


# what is planted: how, the code that names it, a word of its fix, and what no applier undoes
FAULTS = {
    "the ambient label is taken away": (lambda plane: label(plane, NAMESPACE, LABEL, None), "stale-object", "unit `enrollment`", None),
    "the waypoint is deleted": (delete(WAYPOINT), "missing-object", "apply unit `mesh`", None),
    "the waypoint is nobody's": (merge(WAYPOINT, {"spec": {"gatewayClassName": "nobody"}}), "stale-object", "apply unit `mesh` again", None),
    "a namespace injects again": (lambda plane: label(plane, NAMESPACE, "istio-injection", "enabled"), "label-survived", "istio-injection", None),
    "a revision injects beside it": (
        lambda plane: plane.merge(NAMESPACE, {"metadata": {"labels": {"istio-injection": None, "istio.io/rev": "default"}}}),
        "label-survived",
        "istio.io/rev-",
        lambda plane: label(plane, NAMESPACE, "istio.io/rev", None),
    ),
    "a pod has a sidecar": (restarted_with_a_sidecar, "pod-with-sidecar", "rollout restart", restart),
    "a pod is not captured": (uncaptured, "pod-not-captured", "istio-cni", None),
    "a policy of nobody's": (foreign, "foreign-object", "kubectl", delete(of("security.istio.io/v1", "AuthorizationPolicy", "mine"))),
    "a policy allows more": (merge(POLICY, {"spec": {"rules": [{}]}}), "stale-object", "apply unit `mesh` again", None),
    "a policy is bound to nothing": (merge(BOUND, {"spec": {"targetRef": {"name": "another"}}}), "policy-not-accepted", "kubectl", None),
    "a policy is deleted": (delete(POLICY), "missing-object", "apply unit `mesh`", None),
    "plaintext is let in": (merge(MTLS, {"spec": {"mtls": {"mode": "PERMISSIVE"}}}), "stale-object", "apply unit `mesh` again", None),
    "a pod is outside the mesh": (without_a_sidecar, "pod-without-sidecar", "rollout restart deployment/httpbin", restart_httpbin),
    "a policy of nobody's decides everywhere": (
        lambda plane: plane.create({**WIDE, "spec": {"rules": [{}]}}),
        "foreign-object",
        "mode: none",
        delete(WIDE),
    ),
    "a Service goes past its waypoint": (
        lambda plane: label(plane, SERVICE, USE_WAYPOINT, "none"),
        "label-overrides",
        f"kubectl label service sleep -n client {USE_WAYPOINT}-",
        lambda plane: label(plane, SERVICE, USE_WAYPOINT, None),
    ),
    "a namespace uses the waypoint of another": (
        lambda plane: label(plane, NAMESPACE, f"{USE_WAYPOINT}-namespace", "httpbin"),
        "label-overrides",
        f"{USE_WAYPOINT}-namespace-",
        lambda plane: label(plane, NAMESPACE, f"{USE_WAYPOINT}-namespace", None),
    ),
    "a workload is taken out of the mesh": (
        lambda plane: template_label(plane, LABEL, "none"),
        "label-overrides",
        "istio.io~1dataplane-mode",
        lambda plane: template_label(plane, LABEL, None),
    ),
    "a waypoint has no pods": (
        lambda plane: scale(plane, 0),
        "waypoint-not-ready",
        "kubectl describe deployment waypoint",
        lambda plane: scale(plane, 1),
    ),
    "a rollout hangs": (
        lambda plane: plane.merge(SLEEP, {"spec": {"template": {"spec": {"nodeSelector": {"example.com/nowhere": "x"}}}}}),
        "workload-not-rolled-out",
        "kubectl rollout status deployment/sleep",
        lambda plane: plane.merge(SLEEP, {"spec": {"template": {"spec": {"nodeSelector": None}}}}),
    ),
    "a namespace that has not moved is labelled": (
        lambda plane: label(plane, HTTPBIN, LABEL, "ambient"),
        "label-captures",
        f"{LABEL}-",
        lambda plane: label(plane, HTTPBIN, LABEL, None),
    ),
}
# what no applier gets done with
HOLDS_UP = {"a rollout hangs"}


def run(story):
    """Each by itself, where one namespace has moved; between them everything is as it should be."""
    commit = story.reach("client")
    story.in_order()
    # from here on the order is broken by hand
    story.broken.add(commit[:7])
    for what, (plant, code, fix, undo) in FAULTS.items():
        story.applier.pause()
        plant(story.plane)
        named = until_named(story, code)
        story.report.expect(named, f"verify does not say {code} when {what}, but {[f['code'] for f in found(story)]}")
        story.report.expect(any(fix in (f["help"] or "") for f in named), f"verify tells no fix with `{fix}` when {what}, but {[f['help'] for f in named]}")
        for f in named[:1]:
            print(f"   {what}: {f['message']}\n      {f['help']}", flush=True)
        if what in HOLDS_UP:
            undo(story.plane)
        story.applier.resume()
        story.applier.again()
        if undo and what not in HOLDS_UP:
            undo(story.plane)
        story.rest()
        try:
            wait_until("verify to be clean", lambda: verify(story.plane, story.repository)[0] == 0, 120)
        except TimeoutError:
            story.report.expect(False, f"verify is not clean after it was undone that {what}: {[f['message'] for f in found(story)]}")
        story.report.count("planted faults")
    # the tree of another stage
    code, _, findings = verify(story.plane, story.repository, "--stage", "httpbin")
    story.report.expect(code == 3 and findings, f"verify ends with {code} for the tree of another stage")
    story.reach("client/mesh")
    story.reach("none")


def found(story):
    return verify(story.plane, story.repository)[2]


def until_named(story, code):
    """The findings of a code, as soon as there are any."""
    try:
        return wait_until(f"{code} by verify", lambda: [f for f in found(story) if f["code"] == code], 30)
    except TimeoutError:
        return []
