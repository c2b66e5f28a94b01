"""What is rendered is accepted as written: every unit of every example environment at every point of its
migration, in unit order, under the field managers of Argo CD and of Flux."""

import json

import crds
from control_plane import Refused, in_parallel
from waypost import UNITS, changed, environments, inventory, key, rendered, shown

MANAGERS = ["argocd-controller", "kustomize-controller"]
# what the API server writes beside what was sent
SERVERS_OWN = ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"]


def run(plane, report, options):
    report.count("CRDs made of schemas", crds.install(plane))
    for environment, clusters, points in environments():
        for cluster in clusters:
            for manager in MANAGERS:
                Delivery(plane, report, environment, manager, cluster["units"]).through(points)


class Delivery:
    """An applier that goes with one environment from point to point, and prunes."""

    def __init__(self, plane, report, environment, manager, units):
        self.plane, self.report, self.environment, self.manager, self.units = plane, report, environment, manager, units

    def through(self, points):
        there = inventory(self.environment)
        for o in there:
            self.ensure_namespace(o["metadata"].get("namespace"))
            path = self.plane.path_of(o) + "?fieldManager=inventory&fieldValidation=Strict"
            self.plane.request("PATCH", path, json.dumps(o), "application/apply-patch+yaml")
        live, previous = {}, None
        for point in points:
            where = f"{self.environment} at {point} by {self.manager}"
            streams = {unit: rendered(self.environment, point, unit) for unit in UNITS if unit in self.units}
            wanted = {key(o): o for _, objects in streams.values() for o in objects}
            if previous:
                self.dry_run(where, live, wanted, changed(self.environment, previous, point))
            previous = point
            for text, objects in streams.values():
                self.apply(where, text, objects)
            for gone in [o for k, o in live.items() if k not in wanted]:
                if "Prune=false" not in gone["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-options", ""):
                    self.plane.request("DELETE", self.plane.path_of(gone))
            self.play_gateway_controller(wanted)
            before = self.versions(wanted)
            in_parallel(self.patch, wanted.values())
            for k, version in self.versions(wanted).items():
                self.report.expect(version == before[k], f"{where}: {shown(k)} changes when it is applied again")
            live = wanted
            self.report.count("points")
        for o in [*reversed(live.values()), *reversed(there)]:
            self.remove(o)
        for namespace in {o["metadata"].get("namespace") for o in there} - {None, "istio-system"}:
            self.remove({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})

    def apply(self, where, text, objects):
        """Applies a unit and reads it back."""
        for o in objects:
            self.ensure_namespace(o["metadata"].get("namespace"))
        self.kubectl(where, text)
        for o, live in zip(objects, in_parallel(self.there, objects)):
            name = f"{where}: {shown(key(o))}"
            if not self.report.expect(live, f"{name} is not there"):
                continue
            mine = [m for m in live["metadata"]["managedFields"] if m["manager"] == self.manager and m["operation"] == "Apply"]
            fields = mine[0]["fieldsV1"] if mine else {}
            for fault in differences(sent(o), fields, live):
                self.report.expect(False, f"{name}: {fault}")
            self.report.count("objects applied")

    def kubectl(self, where, text):
        code, _, err = self.plane.kubectl(
            "apply", "--server-side", "--force-conflicts", "--validate=strict", f"--field-manager={self.manager}", "-f", "-", stdin=text
        )
        self.report.expect(code == 0 and not err, f"{where}: kubectl apply says: {err.strip()}")

    def patch(self, o, more=""):
        """Applies one object as kubectl does, without starting it; gives the server's answer, if it is no refusal."""
        path = f"{self.plane.path_of(o)}?fieldManager={self.manager}&force=true&fieldValidation=Strict{more}"
        try:
            return self.plane.request("PATCH", path, json.dumps(o), "application/apply-patch+yaml")
        except Refused as no:
            self.report.expect(False, f"{self.environment}, {shown(key(o))} by {self.manager}: {no}")
            return None

    def there(self, o):
        """The object, if it is there."""
        try:
            return self.plane.get(o)
        except Refused as no:
            if no.status != 404:
                raise
            return None

    def dry_run(self, where, live, wanted, told):
        """What the server would change on the way to the next point is what `waypost diff` tells."""
        would = {k for k in live if k not in wanted}
        answers = in_parallel(lambda o: (bare(self.patch(o, "&dryRun=All")), bare(self.there(o))), wanted.values())
        would |= {k for k, (planned, now) in zip(wanted, answers) if planned != now}
        for k in sorted(would ^ told):
            how = "changes, and `waypost diff` does not tell" if k in would else "does not change, and `waypost diff` tells it"
            self.report.expect(False, f"{where}: {shown(k)} {how}")
        self.report.count("objects changed between points", len(told))

    def play_gateway_controller(self, wanted):
        """Writes the status that the CRD gives as a default. As long as nobody has, the API server holds a
        Gateway without it and reads it with it, and the second apply writes it."""
        for o in wanted.values():
            if o["kind"] == "Gateway":
                self.plane.merge(o, {"status": {"conditions": self.plane.get(o)["status"]["conditions"]}}, "/status")

    def versions(self, wanted):
        return {k: o["metadata"]["resourceVersion"] for k, o in zip(wanted, in_parallel(self.plane.get, wanted.values()))}

    def ensure_namespace(self, name):
        """What a person or TSB has made before."""
        if name:
            try:
                self.plane.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            except Refused as no:
                if no.status != 409:
                    raise

    def remove(self, o):
        if o["metadata"]["name"] == "istio-system":
            return
        try:
            self.plane.request("DELETE", self.plane.path_of(o))
            if o["kind"] == "Namespace":
                # nothing else does it: there are no controllers
                live = self.plane.get(o)
                live["spec"]["finalizers"] = []
                self.plane.request("PUT", self.plane.path_of(o) + "/finalize", live)
        except Refused as no:
            if no.status != 404:
                raise


def bare(o):
    """An object without what the server notes about it."""
    if o is None:
        return None
    metadata = {k: v for k, v in o["metadata"].items() if k not in SERVERS_OWN}
    return {**{k: v for k, v in o.items() if k != "status"}, "metadata": metadata}


def sent(o):
    """The part of an object that fields are owned of."""
    metadata = {k: v for k, v in o["metadata"].items() if k not in ("name", "namespace")}
    template = o.get("spec", {}).get("template", {})
    if template.get("spec") == {"containers": []}:
        # no element of the list is sent, so that none is owned
        o = {**o, "spec": {**o["spec"], "template": {k: v for k, v in template.items() if k != "spec"}}}
    return {**{k: v for k, v in o.items() if k not in ("apiVersion", "kind")}, **({"metadata": metadata} if metadata else {"metadata": None})}


def differences(sent, fields, live, at=""):
    """How what was sent differs from what the server says the manager owns, and from what is there."""
    if isinstance(sent, dict):
        owned = {k[2:]: v for k, v in fields.items() if k.startswith("f:")}
        names = {k for k, v in sent.items() if v is not None}
        for name in sorted(owned.keys() - names):
            yield f"`{at}.{name}` is owned and was not sent"
        for name in sorted(names):
            if name not in live:
                yield f"`{at}.{name}` was sent and is not there"
            elif not fields and at:
                # a map that is owned as a whole
                if live != sent:
                    yield f"`{at}` is {live!r} and not {sent!r}"
                return
            elif name not in owned:
                yield f"`{at}.{name}` was sent and is not owned"
            else:
                yield from differences(sent[name], owned[name], live[name], f"{at}.{name}")
    elif isinstance(sent, list) and fields:
        yield from list_differences(sent, fields, live, at)
    elif live != sent:
        yield f"`{at}` is {live!r} and not {sent!r}"


def list_differences(sent, fields, live, at):
    """A list whose elements have keys, or are a set."""
    for name, below in fields.items():
        kind, _, text = name.partition(":")
        if kind == "v":
            if json.loads(text) not in sent:
                yield f"`{at}` owns {text}, which was not sent"
        elif kind == "k":
            keys = json.loads(text)
            # a key may be the server's default of a field that was not sent
            match = [o for o in sent if all(o.get(k, v) == v for k, v in keys.items())]
            there = [o for o in live if all(o.get(k) == v for k, v in keys.items())]
            if len(match) != 1 or len(there) != 1:
                yield f"`{at}` owns {text}, which was not sent"
            else:
                yield from differences({**keys, **match[0]}, below, there[0], f"{at}[{text}]")
    owned = sum(name[:2] in ("k:", "v:") for name in fields)
    if owned != len(sent):
        yield f"`{at}` has {len(sent)} elements, {owned} of them owned"
