"""Seeded faults in valid documents: what people mistype, and what rules are there to catch."""

import copy

WORDS = {
    "ports": ["0", "80", "65535", "65536", "-1", "http", "", "080", "+80", "8 0"],
    "ipBlocks": ["10.0.0.0/8", "10.0.0.1", "10.0.0/8", "10.0.0.0/33", "::1/128", "::1/129", "", "a", "1.2.3.4/08", "10.0.0.1/8", "::ffff:1.2.3.4"],
    "paths": ["/a", "/a/*", "*", "{*}", "/a/{**}", "/{**}/{*}", "/{**}/{**}", "/{a}", "/a{*}", "/*/{*}", "/a/{*}/b", "", "/{*}x", "/{}"],
    "hosts": ["a.com", "*.a.com", "a.com:80", "", "*", "A"],
    "methods": ["GET", "get", "", "*"],
    "principals": ["*", "cluster.local/ns/a/sa/b", "*/ns/a/sa/b", "cluster.local/ns/a/*", "", "a*b", "**", "cluster.local/ns/*/sa/b"],
    "namespaces": ["a", "a*", "*", "", "A", "a*b"],
    "serviceAccounts": ["a", "a/b", "a/b/c", "", "*", "a/*", "*/b", "/b", "a/", "a" * 320, "a" * 321],
    "key": [
        "source.ip", "source.namespace", "source.principal", "destination.ip", "destination.port", "remote.ip",
        "request.headers[x]", "request.headers[]", "request.headers[", "request.headers", "request.auth.claims[a][b]", "request.auth.claims[]",
        "request.auth.principal", "connection.sni", "experimental.envoy.filters.a.b[c]", "source.user", "", "source.serviceAccount", "destination.labels[a]",
        "request.auth.claims[[a]]", "request.auth.claims[a]b", "experimental.a", "istio", "request.headers[x]y",
    ],
    "values": ["a", "", "*", "80", "10.0.0.0/8", "65536", "http", "cluster.local/ns/a/sa/b"],
    "action": ["ALLOW", "DENY", "AUDIT", "CUSTOM", "allow", "", "LOG"],
    "mode": ["STRICT", "PERMISSIVE", "DISABLE", "UNSET", "strict", "", "MUTUAL"],
    "jwksUri": ["https://a/b", "ftp://a", "a.com", "", "http://", "https://a:b"],
    "jwks": ['{"keys": []}', "{", "", "a"],
    "issuer": ["a", "", "a" * 300],
    "timeout": ["5s", "5", "0s", "-1s", "1ms", "0.5ms", "1h1m", "", "apple"],
    "protocol": ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "HBONE", "http", "", "a.b/c"],
    "from": ["Same", "All", "Selector", "None", "same", ""],
    "kind": ["Gateway", "Service", "ServiceEntry", "GatewayClass", "Pod", "Sec ret", ""],
    "group": ["", "gateway.networking.k8s.io", "networking.istio.io", "core", "__", "a.b"],
    "gatewayClassName": ["istio", "istio-waypoint", "", "A", "a" * 254],
    "hostname": ["a.com", "*.a.com", "*", "", "A.com", "a_b", "1.2.3.4"],
    "name": ["a", "A", "", "a.b", "a_b", "a" * 64, "a" * 254, "-a"],
    "port": [0, 1, 65535, 65536, -1, "80"],
}
for other in ("notPorts", "notIpBlocks", "notPaths", "notHosts", "notMethods", "notPrincipals", "notNamespaces", "notServiceAccounts", "notValues"):
    WORDS[other] = WORDS[other[3].lower() + other[4:]]
for other in ("remoteIpBlocks", "notRemoteIpBlocks"):
    WORDS[other] = WORDS["ipBlocks"]
for other in ("requestPrincipals", "notRequestPrincipals", "trustDomains", "notTrustDomains"):
    WORDS[other] = WORDS["principals"]

ODD = [None, True, 0, -1, 1.5, 65536, 2**31, 2**63, "", "a", "*", "80", [], {}, [None], [""], {"a": "b"}, [{}], "x" * 300, "x" * 2100]
LABELS = {"a b": "x", "a": "b c", "/a": "x", "a/b/c": "x", "-a": "x", "istio.io/use-waypoint": "x" * 64, "a" * 64: "x", "ok": "ok", "A/b": "x", "n": ""}
SOURCES = [
    {"source": {"serviceAccounts": ["a"], "principals": ["b"]}},
    {"source": {"serviceAccounts": ["a"], "namespaces": ["b"]}},
    {"source": {"serviceAccounts": ["a"], "notServiceAccounts": ["b"]}},
    {"source": {"notServiceAccounts": ["a"], "notPrincipals": ["b"]}},
    {"source": {}},
    {},
]
TARGETS = [
    {"kind": "Gateway", "group": "gateway.networking.k8s.io", "name": "waypoint"},
    {"kind": "Service", "group": "", "name": "a"},
    {"kind": "Service", "group": "core", "name": "a"},
    {"kind": "ServiceEntry", "group": "networking.istio.io", "name": "a"},
    {"kind": "GatewayClass", "group": "gateway.networking.k8s.io", "name": "istio-waypoint"},
    {"kind": "Gateway", "group": "gateway.networking.k8s.io", "name": "waypoint", "namespace": "other"},
    {"kind": "Pod", "group": "", "name": "a"},
    {"kind": "Gateway", "name": "a"},
    {"kind": "Gateway", "group": "gateway.networking.k8s.io"},
]


def places(value, at=()):
    """Every place below a value, as paths."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for k, below in items:
        yield (*at, k)
        yield from places(below, (*at, k))


def mutate(rng, document):
    """A document with one or two faults, and what was done to it."""
    made, done = copy.deepcopy(document), []
    for _ in range(1 if rng.random() < 0.8 else 2):
        done.append(rng.choice(FAULTS)(rng, made))
    return made, " and ".join(done)


def pick(rng, document):
    """A place, its parent and its last step: never who the document is."""
    found = [p for p in places(document) if p[0] not in ("apiVersion", "kind") and p != ("metadata",)]
    if not found:
        document["spec"] = {}
        return ("spec",), document, "spec"
    path = rng.choice(found)
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    return path, parent, path[-1]


def name_of(path):
    return ".".join(map(str, path))


def remove(rng, document):
    path, parent, last = pick(rng, document)
    del parent[last]
    return f"remove {name_of(path)}"


def misspell(rng, document):
    path, parent, last = pick(rng, document)
    if not isinstance(parent, dict):
        return remove(rng, document)
    wrong = rng.choice([last[:-1], last + "s", last.swapcase(), last[:1] + last[2:], last.lower(), last.capitalize(), "x" + last])
    if wrong and wrong not in parent:
        parent[wrong] = parent.pop(last)
    return f"misspell {name_of(path)} as {wrong}"


def odd(rng, document):
    path, parent, last = pick(rng, document)
    parent[last] = copy.deepcopy(rng.choice(ODD))
    return f"{name_of(path)} = {str(parent[last])[:40]!r}"


def word(rng, document):
    """A value from the pool of its field."""
    found = []
    for path in places(document):
        name = next((s for s in reversed(path) if isinstance(s, str)), None)
        if name in WORDS and path[0] == "spec":
            found.append((path, name))
    if not found:
        return odd(rng, document)
    path, name = rng.choice(found)
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    old, new = parent[path[-1]], rng.choice(WORDS[name])
    parent[path[-1]] = [new] if isinstance(old, list) else new
    return f"{name_of(path)} = {new[:40]!r}" if isinstance(new, str) else f"{name_of(path)} = {new}"


def unknown(rng, document):
    maps = [p for p in places(document)]
    path = rng.choice([(), *maps])
    parent = document
    for step in path:
        parent = parent[step]
    if not isinstance(parent, dict):
        return odd(rng, document)
    name = rng.choice(["extra", "matchLabels", "targetRefs", "selector", "from", "mtls", "name", "namespace", "spec"])
    parent.setdefault(name, rng.choice(["x", {}, [], {"a": "b"}, 1]))
    return f"add {name_of((*path, name))}"


def long(rng, document):
    lists = [p for p in places(document)]
    rng.shuffle(lists)
    for path in lists:
        value = document
        for step in path:
            value = value[step]
        if isinstance(value, list) and value:
            count = rng.choice([2, 17, 65, 257, 513])
            value.extend(copy.deepcopy(rng.choice(value)) for _ in range(count))
            for number, element in enumerate(value):
                if rng.random() < 0.7 and isinstance(element, dict) and isinstance(element.get("name"), str):
                    element["name"] = f"n{number}"
            return f"{count} more in {name_of(path)}"
    return odd(rng, document)


def metadata(rng, document):
    m = document.setdefault("metadata", {})
    if not isinstance(m, dict):
        return odd(rng, document)
    what = rng.choice(["labels", "annotations", "name", "namespace", "finalizers", "ownerReferences"])
    if what in ("labels", "annotations"):
        k = rng.choice(list(LABELS))
        m[what] = {k: LABELS[k]}
    elif what == "name":
        m["name"] = rng.choice(WORDS["name"])
    elif what == "namespace":
        m["namespace"] = rng.choice(["default", "A", "a.b", "", None])
    elif what == "finalizers":
        m[what] = rng.choice([["a"], ["a/b"], "a", [""], ["a b/c"]])
    else:
        m[what] = rng.choice([[{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "1"}], [{"kind": "Pod"}], {}])
    return f"metadata.{what} = {str(m.get(what))[:60]}"


def istio(rng, document):
    """What Istio's rules are about: attachment, sources, conditions, ports."""
    spec = document.get("spec")
    if not isinstance(spec, dict):
        document["spec"] = spec = {}
    kind = document["kind"]
    what = rng.random()
    if what < 0.4:
        for name in ("selector", "targetRef", "targetRefs"):
            if rng.random() < 0.5:
                spec[name] = {
                    "selector": lambda: {"matchLabels": rng.choice([{}, {"a": "b"}, {"a": "*"}, {"": "b"}, {"a": ""}, {"a b": "c"}, {"a": "x" * 64}, {"x" * 64: "a"}])},
                    "targetRef": lambda: dict(rng.choice(TARGETS)),
                    "targetRefs": lambda: [dict(rng.choice(TARGETS)) for _ in range(rng.choice([0, 1, 2, 17]))],
                }[name]()
        return f"attach {kind}"
    if kind == "AuthorizationPolicy":
        rule = {}
        if rng.random() < 0.5:
            rule["from"] = [copy.deepcopy(rng.choice(SOURCES)) for _ in range(rng.choice([0, 1, 2]))]
        if rng.random() < 0.5:
            field = rng.choice(["ports", "paths", "hosts", "methods", "notPorts", "notPaths"])
            rule["to"] = [{"operation": {field: [rng.choice(WORDS[field])]}}]
        if rng.random() < 0.6:
            condition = {"key": rng.choice(WORDS["key"])}
            for field in ("values", "notValues"):
                if rng.random() < 0.6:
                    condition[field] = [rng.choice(WORDS["values"])] if rng.random() < 0.9 else []
            rule["when"] = [condition]
        spec["rules"] = rng.choice([[], [rule], [rule, {}], [None]])
        if rng.random() < 0.5:
            spec["action"] = rng.choice(WORDS["action"])
        if rng.random() < 0.2:
            spec["provider"] = rng.choice([{"name": "p"}, {}, {"name": ""}])
        return "rules of an AuthorizationPolicy"
    if kind == "PeerAuthentication":
        spec["portLevelMtls"] = {rng.choice(["80", "0", "65536", "a", "", "-1", "080", "65535"]): {"mode": rng.choice(WORDS["mode"])}}
        if rng.random() < 0.5:
            spec["selector"] = {"matchLabels": {"app": "a"}}
        return "ports of a PeerAuthentication"
    if kind == "RequestAuthentication":
        rule = {"issuer": rng.choice(WORDS["issuer"])}
        for field, values in {
            "jwksUri": WORDS["jwksUri"], "jwks_uri": WORDS["jwksUri"], "jwks": WORDS["jwks"], "timeout": WORDS["timeout"],
            "audiences": [[], ["a"], [""]], "fromHeaders": [[{"name": "a", "prefix": "b"}], [{"name": ""}], [{"prefix": "a"}]],
            "fromParams": [["a"], [""], []], "fromCookies": [["a"], [""]], "forwardOriginalToken": [True, "x"],
            "outputPayloadToHeader": ["a", "", "a b"], "spaceDelimitedClaims": [["a"], [""], ["a"] * 70],
            "outputClaimToHeaders": [[{"header": "a", "claim": "b"}], [{"header": ":a", "claim": "b"}], [{"header": "a"}], [{"header": "a b", "claim": "c"}]],
        }.items():
            if rng.random() < 0.25:
                rule[field] = rng.choice(values)
        spec["jwtRules"] = [rule]
        return "rules of a RequestAuthentication"
    if kind == "Gateway":
        spec["listeners"] = [
            {
                "name": rng.choice(["a", "b", "a.b", "A"]),
                "port": rng.choice([15008, 80, 443, 0, 65536]),
                "protocol": rng.choice(WORDS["protocol"]),
                **({"hostname": rng.choice(WORDS["hostname"])} if rng.random() < 0.3 else {}),
                **({"allowedRoutes": {"namespaces": {"from": rng.choice(WORDS["from"])}}} if rng.random() < 0.3 else {}),
                **({"tls": rng.choice([{}, {"mode": "Terminate"}, {"mode": "Passthrough"}, {"certificateRefs": [{"name": "a"}]}, {"mode": "Terminate", "options": {"a": "b"}}])} if rng.random() < 0.3 else {}),
            }
            for _ in range(rng.choice([0, 1, 1, 2, 2, 65]))
        ]
        if rng.random() < 0.2:
            spec["addresses"] = rng.choice([[{"value": "1.2.3.4"}], [{"type": "Hostname", "value": "a b"}], [{"type": "IPAddress", "value": "a"}], [{"type": "x/y", "value": "a"}], [{}]])
        if rng.random() < 0.2:
            spec["infrastructure"] = rng.choice([{"labels": {"a": "b"}}, {"parametersRef": {"group": "", "kind": "ConfigMap", "name": "a"}}, {"parametersRef": {"name": "a"}}, {"annotations": {f"a{i}": "b" for i in range(9)}}, {"labels": {"a b": "c"}}])
        return "listeners of a Gateway"
    return odd(rng, document)


FAULTS = [remove, remove, misspell, odd, odd, word, word, word, unknown, long, metadata, istio, istio, istio]
