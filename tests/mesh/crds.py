"""CustomResourceDefinitions for the kinds of TSB, made of waypost's own schemas.

A CRD wants a structural schema: no references, one type each, every field named. What JSON Schema
says beyond that (`anyOf` over types, `const` of the version) is put as the API server can hold it, or left out.
"""

import glob
import json
import os

from control_plane import Refused, wait_until
from waypost import ROOT

KEPT = ["description", "enum", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "pattern", "required"]
ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}
SCALARS = {"string", "integer", "number", "boolean"}


def structural(schema, definitions, above=()):
    """The structural schema of a JSON Schema; `above` holds the references that led here."""
    if schema is True or not schema:
        return dict(ANYTHING)
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in above:
            return {"type": "object", **ANYTHING}
        above = (*above, name)
        schema = {**definitions[name], **{k: v for k, v in schema.items() if k != "$ref"}}
    made = {k: schema[k] for k in KEPT if k in schema}
    if "const" in schema:
        made["enum"] = [schema["const"]]
    types = schema.get("type")
    types = [types] if isinstance(types, str) else list(types or [])
    if "null" in types:
        types.remove("null")
        made["nullable"] = True
    if not types and isinstance(made.get("enum"), list) and all(isinstance(v, str) for v in made["enum"]):
        types = ["string"]
    if set(types) == {"string", "integer"}:
        made["x-kubernetes-int-or-string"] = True
        return made
    if len(types) != 1:
        return {k: v for k, v in made.items() if k in ("description", "nullable")} | ANYTHING
    made["type"] = types[0]
    if types[0] == "object":
        if "properties" in schema:
            made["properties"] = {k: structural(v, definitions, above) for k, v in schema["properties"].items()}
        extra = schema.get("additionalProperties", True)
        if extra is True or (extra is not False and "properties" in schema):
            made.update(ANYTHING)
        elif extra is not False:
            made["additionalProperties"] = structural(extra, definitions, above)
    elif types[0] == "array":
        made["items"] = structural(schema.get("items", True), definitions, above)
    return made


def crds():
    """One for each kind of TSB that has a Kubernetes form."""
    for path in sorted(glob.glob(os.path.join(ROOT, "schemas/*/*.json"))):
        group = os.path.basename(os.path.dirname(path))
        if group != "install.tetrate.io" and not group.endswith("tsb.tetrate.io"):
            continue
        with open(path) as file:
            schema = json.load(file)
        kind, (plural, version) = schema["title"], os.path.basename(path)[:-5].rsplit("_", 1)
        plural += "" if plural.endswith("s") else "s"
        body = {
            "type": "object",
            "required": [r for r in schema.get("required", []) if r == "spec"],
            "properties": {
                "spec": structural(schema["properties"]["spec"], schema.get("$defs", {})),
                "status": {"type": "object", **ANYTHING},
            },
        }
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
                "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": body}}],
            },
        }


def install(plane):
    """Applies them, and waits until they are served."""
    made = list(crds())
    for crd in made:
        try:
            plane.create(crd)
        except Refused as no:
            # another part of the run has made them
            if no.status != 409:
                raise

    def served():
        conditions = [c for crd in made for c in plane.get(crd).get("status", {}).get("conditions") or []]
        return sum(c["type"] == "Established" and c["status"] == "True" for c in conditions) == len(made)

    wait_until("the CRDs of TSB", served)
    bad = [c["message"] for crd in made for c in plane.get(crd)["status"]["conditions"] if c["type"] == "NonStructuralSchema"]
    if bad:
        raise RuntimeError(f"a CRD is not structural: {bad[0]}")
    return len(made)
