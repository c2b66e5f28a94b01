"""What the API server refuses, with the CRDs' schemas and rules and with Istio's webhook, `waypost validate`
refuses, and nothing else: documents that others wrote, and seeded mutations of valid ones."""

import json
import os
import random
import re
import tempfile
from collections import Counter

import crds
import mutations
import yaml
from control_plane import Refused, in_parallel
from waypost import Failed, Loader, ROOT, documents, rendered, waypost

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("WAYPOST_DATA") or os.path.join(ROOT, "../shared/data")
MEASURED = ["AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication", "Gateway", "Namespace"]
TETRATE = ("install.tetrate.io", "tsb.tetrate.io")


class Document:
    """A document, as it is handed to both."""

    def __init__(self, origin, text):
        self.origin, self.text = origin, text


def run(plane, report, options):
    crds.install(plane)
    known = corpus(report)
    cases = known + seeded(options, valid_documents(known))
    report.count("documents that others wrote", len(known))
    report.count("mutations", len(cases) - len(known))
    for namespace in sorted({namespace_of(d) for d in cases}):
        try:
            plane.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        except Refused:
            pass
    with tempfile.TemporaryDirectory() as folder:
        for number, document in enumerate(cases):
            document.path = os.path.join(folder, "documents", f"{number:05}.yaml")
            os.makedirs(os.path.dirname(document.path), exist_ok=True)
            with open(document.path, "w") as file:
                file.write(document.text)
        others = os.path.join(folder, "crds.yaml")
        with open(others, "w") as file:
            for crd in plane.list("apiextensions.k8s.io/v1", "CustomResourceDefinition"):
                crd.update(apiVersion="apiextensions.k8s.io/v1", kind="CustomResourceDefinition")
                crd["metadata"] = {"name": crd["metadata"]["name"]}
                crd.pop("status", None)
                if "tetrate" not in crd["spec"]["group"]:
                    file.write("---\n" + json.dumps(crd) + "\n")
        documents_folder = os.path.join(folder, "documents")
        ours = {
            "with the server's CRDs": verdicts("--crds", others, documents_folder),
            "with its own schemas": verdicts(documents_folder),
        }
    answers = in_parallel(lambda d: ask(plane, d), cases)
    exceptions = Differences(report)
    for document, no in zip(cases, answers):
        for how, verdict in ours.items():
            compare(document, no, how, verdict.get(document.path), report, exceptions)
    exceptions.end()


def compare(document, no, how, verdict, report, exceptions):
    outcomes, findings = verdict or ([], [])
    if no is UNKNOWN:
        report.count(f"not served, {how}")
        return
    if not outcomes and not findings or any(o == "not validated" for o in outcomes):
        report.count(f"no schema, {how}")
        return
    refused = not outcomes or "invalid" in outcomes
    report.count(f"refused by both, {how}" if refused and no else f"accepted by both, {how}" if not (refused or no) else f"parted, {how}")
    if refused == bool(no):
        return
    ours = "; ".join(findings)
    if exceptions.has(document, no, ours, how):
        return
    said = f"the server refuses ({no})" if no else f"waypost refuses ({ours})"
    report.expect(False, f"{document.origin}, {how}: {said}\n    {document.text[:700].strip()}")


class Differences:
    """The deliberate differences: who refuses, kinds, what is said, why."""

    def __init__(self, report):
        self.report, self.rows, self.seen = report, [], Counter()
        with open(os.path.join(HERE, "differences.tsv")) as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    who, kinds, said, why = line.rstrip("\n").split("\t")
                    self.rows.append((who, re.compile(kinds), re.compile(said), why))

    def has(self, document, no, ours, how):
        kind = kind_of(document)
        who_refuses = "server" if no else "waypost"
        # a row may be about waypost's own schemas alone
        sides = {who_refuses, f"{who_refuses}, own schemas"} if "own schemas" in how else {who_refuses}
        for row in self.rows:
            who, kinds, said, why = row
            if who in sides and kinds.fullmatch(kind) and said.search(no or ours):
                self.seen[why] += 1
                return True
        return False

    def end(self):
        for why, number in self.seen.items():
            print(f"deliberate: {number} times: {why}")


UNKNOWN = object()


def ask(plane, document):
    """Why the server refuses a document; `None` when it takes it, `UNKNOWN` when it has no such kind."""
    try:
        value = yaml.load(document.text, Loader)
    except (yaml.YAMLError, ValueError):
        return UNKNOWN
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str) or not isinstance(value.get("apiVersion"), str):
        return UNKNOWN
    metadata = value.get("metadata") if isinstance(value.get("metadata"), dict) else {}
    namespace = metadata.get("namespace")
    try:
        path = plane.path(value["apiVersion"], value["kind"], namespace if isinstance(namespace, str) and namespace else "default")
    except (Refused, KeyError):
        return UNKNOWN
    # a name that must be there; the server would make one up only from generateName
    try:
        plane.request("POST", path + "?dryRun=All&fieldValidation=Strict", document.text.encode(), "application/yaml")
    except Refused as no:
        # the object is there already: what it says was not asked
        return None if no.status == 409 and "already exists" in no.message else no.message
    return None


def verdicts(*args):
    """By file: outcomes of its objects, and the errors that make one invalid."""
    out = json.loads(waypost("validate", "--format", "json", *args, ok=(0, 3)))
    if not out["objects"]:
        raise Failed("waypost validate saw no object")
    found = {}
    for o in out["objects"]:
        found.setdefault(o["path"], ([], []))[0].append(o["outcome"])
    for f in out["findings"]:
        if f["severity"] == "error" and "place" in f:
            found.setdefault(f["place"]["path"], ([], []))[1].append(f"{f['code']}: {f['message']}")
    return found


def corpus(report):
    """Documents that others wrote: Istio's own valid and invalid ones, and those of public repositories."""
    found = []
    if not os.path.isdir(DATA):
        if os.environ.get("CI"):
            report.expect(False, f"{DATA} is not there")
        report.count("data folders missing")
        return found
    for group in ("oracle/crd-validation", "oracle/validation-dataset", "real"):
        for folder, _, files in sorted(os.walk(os.path.join(DATA, group))):
            for name in sorted(files):
                if name.endswith((".yaml", ".yml")):
                    path = os.path.join(folder, name)
                    with open(path, errors="replace") as file:
                        text = file.read()
                    for number, part in enumerate(re.split(r"(?m)^---[^\S\n]*(?:#.*)?$", text)):
                        if part.strip():
                            found.append(Document(f"{os.path.relpath(path, DATA)}#{number}", expectation_off(part)))
    return found


def expectation_off(text):
    """Istio's corpus holds part of the expected message in the document."""
    return re.sub(r"(?m)^_err:.*\n(?:[ \t]+.*\n)*", "", text)


def valid_documents(known):
    """What mutations are made of: rendered objects, and valid documents of others."""
    found = []
    for environment, point in (("brownfield", "bookinfo"), ("greenfield", "none")):
        objects = rendered(environment, point)[1]
        found += [o for o in objects if o["kind"] in MEASURED]
        found += [o for o in objects if is_tetrates(o)]
    for document in known:
        if "-valid" in document.origin or "validation-dataset" in document.origin or document.origin.startswith("real/"):
            try:
                value = next(iter(documents(document.text)), None)
            except (yaml.YAMLError, ValueError):
                continue
            if isinstance(value, dict) and isinstance(value.get("kind"), str) and "istio.io" in str(value.get("apiVersion")).replace("networking.k8s.io", "istio.io"):
                found.append(json.loads(json.dumps(value, default=str)))
    for o in BASE:
        found += [o] * 8
    return found


def is_tetrates(o):
    return o["apiVersion"].partition("/")[0].endswith(TETRATE)


def seeded(options, valid):
    """Mutations; most of the kinds that waypost has schemas of its own of."""
    rng = random.Random(f"refusals {options.seed}")
    own = [o for o in valid if o["kind"] in MEASURED]
    tetrates = [o for o in valid if is_tetrates(o)]
    made = []
    while len(made) < options.cases:
        (chosen,) = rng.choices([own, tetrates, valid], [5, 2, 3])
        document = rng.choice(chosen)
        mutation, what = mutations.mutate(rng, document)
        text = json.dumps(mutation, default=str) + "\n"
        made.append(Document(f"seed {options.seed} case {len(made)}: {document['kind']}, {what}", text))
    return made


def loaded(document):
    try:
        return yaml.load(document.text, Loader)
    except (yaml.YAMLError, ValueError):
        return None


def kind_of(document):
    value = loaded(document)
    if not isinstance(value, dict):
        return "?"
    return f"{str(value.get('apiVersion')).rpartition('/')[0]}/{value.get('kind')}"


def namespace_of(document):
    value = loaded(document)
    metadata = value.get("metadata") if isinstance(value, dict) else None
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    return namespace if isinstance(namespace, str) else "default"


BASE = [
    {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "full", "namespace": "default"},
        "spec": {
            "action": "DENY",
            "selector": {"matchLabels": {"app": "a"}},
            "rules": [
                {
                    "from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"], "namespaces": ["a"], "ipBlocks": ["10.0.0.0/8"]}}],
                    "to": [{"operation": {"ports": ["80"], "paths": ["/a", "/b/{*}"], "hosts": ["a.com"], "methods": ["GET"]}}],
                    "when": [{"key": "request.headers[a]", "values": ["b"]}, {"key": "destination.port", "notValues": ["8080"]}],
                }
            ],
        },
    },
    {
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": "full", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "a"}}, "mtls": {"mode": "STRICT"}, "portLevelMtls": {"80": {"mode": "DISABLE"}}},
    },
    {
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "full", "namespace": "default"},
        "spec": {
            "targetRefs": [{"kind": "Service", "group": "", "name": "a"}],
            "jwtRules": [{"issuer": "a", "jwksUri": "https://a/b", "audiences": ["a"], "fromHeaders": [{"name": "a", "prefix": "b"}], "timeout": "5s"}],
        },
    },
    {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "full", "namespace": "default", "labels": {"istio.io/waypoint-for": "all"}},
        "spec": {
            "gatewayClassName": "istio-waypoint",
            "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE", "allowedRoutes": {"namespaces": {"from": "Same"}}}],
        },
    },
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "full", "labels": {"istio.io/dataplane-mode": "ambient"}}},
]
