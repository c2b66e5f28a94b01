"""Random policies: every field that matches, every way to bind, all actions; now and then what the webhook refuses."""

import ipaddress

DOMAINS = ["cluster.local", "td1", "td2", "old-td", "a.td1", "evil.local"]
NAMESPACES = ["foo", "bar", "foo-bar", "baz", "istio-system"]
ACCOUNTS = ["a", "b", "a-b", "default", "sa.x"]
HOSTS = ["a.com", "b.a.com", "A.com", "a.com:8080", "httpbin.foo.svc.cluster.local", "x", "a.com.evil"]
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]
PATHS = ["/", "/a", "/a/", "/a/b", "/a/b/c", "/A", "/ab", "/a/x/c", "/api/v1/items/7", "/b", "//a", "/a//b", "/a/../b", "/a/./b",
         "/a?x=1", "/a/b?y=/c", "/%61", "/a%2fb", "/a;v=1", "/info.txt", "/x/a", "/a/b/b", "/a%5Cb", "/a\\b", "/a/%2e%2e/b", "/a%2F%2Fb", "/a/b/..;/c", "/a%2f..;x/b"]
TEMPLATES = ["/a/{*}", "/a/{*}/c", "/{*}/b", "/{**}", "/a/{**}", "/{**}/b", "/api/{*}/items/{*}", "/api/{**}", "/{*}", "/a/{*}/{**}"]
PORTS = [80, 8080, 9000, 8443, 65535, 443, 9443, 3306]
SNIS = ["a.com", "b.a.com", "x.b.a.com", "A.com", "outbound_.80_._.a.foo.svc.cluster.local"]
SOURCES = ["127.0.0.1", "127.0.0.7", "127.0.1.9", "127.1.2.3", "127.200.0.1"]
REMOTES = ["10.1.2.3", "10.1.9.9", "192.168.0.5", "203.0.113.7", "2001:db8::7"]
DESTINATIONS = ["10.254.0.1", "10.254.0.2", "10.20.30.40", "10.96.1.1", "10.250.0.1"]
HEADERS = {"x-role": ["admin", "user", "admin-2", ""], "x-env": ["prod", "dev"], "User-Agent": ["curl/8", "go"], "Host": HOSTS,
           ":authority": HOSTS, ":method": METHODS, ":path": ["/a", "/a?x=1", "/a/b"], "cookie": ["k=v", "s=1"], "te": ["trailers", "gzip"],
           "origin": ["https://a.com"], "accept": ["*/*", "text/html"], "x-forwarded-for": ["10.1.2.3", "192.168.0.5"]}
ISSUERS = ["https://iss.example", "iss2"]
SUBJECTS = ["alice", "bob", "svc/a"]
CLAIMS = {"role": ["admin", "user", ["admin", "ops"], ["user"]], "n": [{"m": "deep"}, {"m": ["deep", "er"]}, "flat"],
          "aud": ["app", ["app", "web"], "other"], "azp": ["client1"], "scope": ["read write", "read"], "other": ["read write", "read"],
          "permission": ["read admin"], "groups": ["g1", ["g1", "g2"], []], "num": [7], "flag": [True], "empty": [""]}
PROVIDERS = ["nobody", "nobody-else", "authz"]


def wild(r, v, p=0.45):
    """A value as it is, or with a star at one end, or the star alone."""
    x = r.random()
    if x > p or not v:
        return v or "*"
    if x < 0.05:
        return "*"
    cut = r.randint(0, len(v))
    return v[:cut] + "*" if r.random() < 0.5 else "*" + v[cut:]


def some(r, make, most=3):
    return [make(r) for _ in range(r.randint(1, most))]


def principal(r):
    td, ns, sa = r.choice(DOMAINS), r.choice(NAMESPACES), r.choice(ACCOUNTS)
    p = f"{td}/ns/{ns}/sa/{sa}"
    x = r.random()
    if x < 0.06:
        return f"*/ns/{ns}/sa/{sa}"
    if x < 0.09:
        return f"{td}/ns/{ns}/*"
    if x < 0.11:
        return "spiffe://" + p
    if x < 0.14:
        return f"*{td[2:]}/ns/{ns}/sa/{sa}"
    return wild(r, p, 0.3)


def block(pool):
    def make(r):
        if r.random() < 0.005:
            return r.choice(["1.2.3.4/33", "10.1.2", "10.1.2.3/", "::1/129"])
        ip = r.choice(pool)
        if r.random() < 0.5:
            return ip
        length = r.choice([16, 32, 64, 128] if ":" in ip else [0, 8, 16, 24, 30, 32])
        network = str(ipaddress.ip_network(f"{ip}/{length}", strict=False))
        return network if r.random() < 0.8 else f"{ip}/{length}"
    return make


def port(r):
    if r.random() < 0.008:
        return r.choice(["http", "080", "+80", "65536", "-1"])
    return str(r.choice(PORTS))


def path(r):
    return r.choice(TEMPLATES) if r.random() < 0.2 else wild(r, r.choice(PATHS), 0.45)


def account(r):
    return r.choice(ACCOUNTS) if r.random() < 0.5 else f"{r.choice(NAMESPACES)}/{r.choice(ACCOUNTS)}"


def namespace(r):
    return r.choice(NAMESPACES) if r.random() < 0.7 else r.choice(["foo*", "*bar", "*", "f*o", "fo.", "istio-*", "foo-*r", "a/sa"])


def request_principal(r):
    return wild(r, f"{r.choice(ISSUERS)}/{r.choice(['alice', 'bob', 'svc/a'])}", 0.5)


def domain(r):
    return r.choice(DOMAINS + ["*", "td*", "*.local", "t*1"])


SOURCE = {"principals": principal, "namespaces": namespace, "serviceAccounts": account, "trustDomains": domain,
          "ipBlocks": block(SOURCES), "remoteIpBlocks": block(REMOTES + SOURCES), "requestPrincipals": request_principal}
OPERATION = {"hosts": lambda r: wild(r, r.choice(HOSTS)), "ports": port, "methods": lambda r: wild(r, r.choice(METHODS), 0.25), "paths": path}


def negated(field):
    return "not" + field[0].upper() + field[1:]


def fields(r, of, names, p):
    out = {}
    for f in r.sample(names, min(len(names), r.choice([1, 1, 1, 2, 2, 3]))):
        x = r.random()
        if x < p:
            out[f] = some(r, of[f])
        if x > p - 0.12:
            out[negated(f)] = some(r, of[f], 2)
    return out


def source(r, jwt):
    s = fields(r, SOURCE, [f for f in SOURCE if jwt or f != "requestPrincipals"], 0.7)
    if any("erviceAccounts" in k for k in s):  # the webhook takes these not together
        for k in ("principals", "notPrincipals", "namespaces", "notNamespaces"):
            s.pop(k, None)
    return s


def header(r):
    name = r.choice(list(HEADERS) if r.random() < 0.4 else ["x-role", "x-env", "User-Agent"])
    return f"request.headers[{name}]", lambda r: wild(r, r.choice(HEADERS[name]), 0.5)


def claim(r):
    name = r.choice([*CLAIMS, "absent", "iss", "sub"])
    key = r.choice(["[n][m]", "[n]"]) if name == "n" else f"[{name}]"
    words = ["admin", "user", "deep", "g1", "g2", "7", "true", "alice", "read", "read write"]
    return "request.auth.claims" + key, lambda r: wild(r, r.choice(words), 0.4)


WHEN = {
    "source.ip": block(SOURCES), "remote.ip": block(REMOTES + SOURCES), "source.namespace": namespace, "source.principal": principal,
    "source.serviceAccount": account, "source.trustDomain": domain, "destination.ip": block(DESTINATIONS), "destination.port": port,
    "connection.sni": lambda r: wild(r, r.choice(SNIS)), "request.auth.principal": request_principal,
    "request.auth.audiences": lambda r: wild(r, r.choice(["app", "web"]), 0.3), "request.auth.presenter": lambda r: wild(r, "client1", 0.3),
    "experimental.envoy.filters.network.mysql_proxy[db.table]": lambda r: r.choice(["[select]", "x"]),
}


def condition(r, jwt):
    x = r.random()
    if x < 0.004:
        key, make = "request.unknown", path
    elif x < 0.2:
        key, make = header(r)
    elif jwt and x < 0.4:
        key, make = claim(r)
    else:
        key = r.choice([k for k in WHEN if jwt or "auth" not in k])
        make = WHEN[key]
    w, x = {"key": key}, r.random()
    if x < 0.75:
        w["values"] = some(r, make)
    if x > 0.6:
        w["notValues"] = some(r, make, 2)
    return w


def rule(r, jwt):
    if r.random() < 0.03:
        return {}
    out = {}
    if r.random() < 0.6:
        out["from"] = [{"source": s} for s in some(r, lambda r: source(r, jwt), 2) if s]
    if r.random() < 0.6:
        out["to"] = [{"operation": o} for o in some(r, lambda r: fields(r, OPERATION, list(OPERATION), 0.75), 2) if o]
    if r.random() < 0.35 or not (out.get("from") or out.get("to")):
        out["when"] = some(r, lambda r: condition(r, jwt), 2)
    return {k: v for k, v in out.items() if v}


def selector(r, labels):
    app = labels.get("app", "httpbin")
    return r.choice([{"matchLabels": {"app": app}}, {"matchLabels": {"app": app, "version": "v1"}}, {"matchLabels": {"app": "other"}},
                     {"matchLabels": {}}, {}])


GATEWAY = "gateway.networking.k8s.io"
TARGETS = {
    "waypoint": ([{"kind": "Service", "group": "", "name": "httpbin"}, {"kind": "Gateway", "group": GATEWAY, "name": "waypoint"},
                  {"kind": "GatewayClass", "group": GATEWAY, "name": "istio-waypoint"}, {"kind": "Service", "group": "core", "name": "other"},
                  {"kind": "Service", "group": "", "name": "remote"}, {"kind": "ServiceEntry", "group": "networking.istio.io", "name": "ext"},
                  {"kind": "GatewayClass", "group": GATEWAY, "name": "istio"}, None], [35, 30, 8, 8, 8, 8, 1, 4]),
    "gateway-api": ([{"kind": "Gateway", "group": GATEWAY, "name": "gw"}, {"kind": "Gateway", "group": GATEWAY, "name": "nobody"},
                     {"kind": "GatewayClass", "group": GATEWAY, "name": "istio"}, {"kind": "GatewayClass", "group": GATEWAY, "name": "istio-waypoint"},
                     {"kind": "Service", "group": "", "name": "gw-istio"}, None], [50, 3, 4, 3, 4, 40]),
}


def bind(r, spec, place):
    """Binds a policy, and says in which namespace it is."""
    namespace = r.choices(["foo", place["root"], "bar"], [82, 12, 6])[0]
    pool, weights = TARGETS.get(place["kind"], ([{"kind": "Service", "group": "", "name": "httpbin"}, None], [2, 98]))
    target = r.choices(pool, weights)[0]
    if target is None:
        if r.random() < 0.5:
            spec["selector"] = selector(r, place["point"].get("labels", {}))
        return namespace
    if r.random() < 0.2 and len(pool) > 2:
        spec["targetRefs"] = [target, r.choice([t for t in pool if t and t != target])]
    elif r.random() < 0.1:
        spec["targetRef"] = target
    else:
        spec["targetRefs"] = [target]
    if target["kind"] == "GatewayClass" and r.random() < 0.8:
        return place["root"]
    return "bar" if target["name"] == "remote" and r.random() < 0.8 else namespace


def made(kind, name, namespace, spec, **metadata):
    return {"apiVersion": "security.istio.io/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace, **metadata}, "spec": spec}


def authorization_policy(r, i, place, jwt):
    action = r.choices(["ALLOW", "DENY", "AUDIT", "CUSTOM", None], [47, 37, 4, 6, 6])[0]
    spec = {"action": action} if action else {}
    if action == "CUSTOM":
        spec["provider"] = {"name": r.choices(PROVIDERS, [9, 1, 10])[0]}
    namespace = bind(r, spec, place)
    n = r.choices([0, 1, 2, 3, 11], [2, 60, 22, 14, 2])[0]
    if n:
        spec["rules"] = [rule(r, jwt) for _ in range(n)]
    metadata = {}
    if action != "CUSTOM" and r.random() < 0.06:
        metadata["annotations"] = {"istio.io/dry-run": r.choice(["true", "true", "1", "T", "false", "no"])}
    return made("AuthorizationPolicy", f"p{i}", namespace, spec, **metadata)


def jwt_rule(r):
    out = {"issuer": r.choice(ISSUERS)}
    if r.random() < 0.2:
        out["audiences"] = r.sample(["app", "web", "nobody"], r.choice([1, 2]))
    x = r.random()
    if x < 0.05:
        out["fromHeaders"] = [{"name": "x-token"}]
    elif x < 0.1:
        out["fromHeaders"] = [{"name": "Authorization", "prefix": "Bearer "}, {"name": "x-token", "prefix": "t "}]
    elif x < 0.13:
        out["fromParams"] = ["token"]
    elif x < 0.15:
        out["fromHeaders"] = [{"name": "authorization"}]
    elif x < 0.17:
        out["fromCookies"] = ["token"]
    if r.random() < 0.15:
        out["spaceDelimitedClaims"] = r.choice([["other"], ["role", "other"]])
    if r.random() < 0.1:
        out["forwardOriginalToken"] = True
    return out


def request_authentication(r, i, place):
    spec = {}
    namespace = bind(r, spec, place)
    if r.random() < 0.6:
        namespace, spec = "foo", {}
        if place["kind"] == "waypoint":
            spec["targetRefs"] = [{"kind": "Gateway", "group": GATEWAY, "name": "waypoint"}]
    spec["jwtRules"] = [{"issuer": i} for i in ISSUERS] if r.random() < 0.4 else some(r, jwt_rule)
    return made("RequestAuthentication", f"jwt{i}", namespace, spec)


def peer_authentication(r, i, place, modes):
    spec, namespace = {}, r.choices(["foo", place["root"], "bar"], [6, 3, 1])[0]
    if r.random() < 0.85:
        spec["mtls"] = {"mode": r.choice(modes)}
    if r.random() < 0.5:
        spec["selector"] = selector(r, place["point"]["labels"])
        if spec["selector"].get("matchLabels") and r.random() < 0.6:
            numbers = [target for _, target, _ in place["ports"][""]]
            spec["portLevelMtls"] = {str(n): {"mode": r.choice(modes)} for n in r.sample(numbers, 2)}
    return made("PeerAuthentication", f"mtls{i}", namespace, spec)
