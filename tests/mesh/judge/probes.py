"""Hand-made cases for corners of the semantics; each id says what is asked."""

import json
import random

import meshes

PEER = "cluster.local/ns/a/sa/b"
POD = {"kind": "sidecar", "namespace": "foo", "labels": {"app": "httpbin"}}
WAYPOINT = {"kind": "waypoint", "namespace": "foo", "name": "waypoint"}
HEADERS = """accept accept-encoding accept-language access-control-request-method authorization cache-control connection
content-encoding content-type cookie date expect forwarded from grpc-timeout host-x if-match if-none-match origin pragma range
referer sec-fetch-mode te traceparent upgrade-insecure-requests user-agent via x-api-key x-b3-traceid x-client-id x-env
x-envoy-external-address x-envoy-original-path x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip x-request-id
x-tenant""".split()
TEMPLATES = """/a/{*} /{**} /a/{**} /{*}/{**} /{**}/b /a/{*}/{**} /{*}/{*}/{*}/{*}/{*}/{*} /a%20b/{*} /~/{*} /a/{**}/b /{*}/
/a/{*}/""".split()
PATHS = ["/a", "//a", "/a//b", "/a/../b", "/a/./b", "/a/", "/a%2fb", "/a%2Fb", "/%61", "/%7e", "/%41", "/a%20b", "/a/b?x=1", "/a?x=../b",
         "/a;x/b", "/a\\b", "/a%5cb", "/A", "/..", "/a/%2e%2e/b", "/%2e/a", "/a%c3%a9", "/a%", "/a%zz", "///", "/a/..", "/a//../b",
         "/a/b/%2E%2e/c", "/%2fa", "/a%5C..%2fb", "/a/%2f/b", "/a?x=%2f//", "/./", "/../../a", "/a/...", "/a/b/..;/c", "/a/b/..;x=1/c", "/a/.;/b;v=1", "/a/%2e%2e;/c", "/a\\..;\\c", "/a%2f..;/b", "/a%5c..;/b", "/a/..;?x=/..;/b"]


def rule(source=None, operation=None, **when):
    out = {}
    if source is not None:
        out["from"] = [{"source": source}]
    if operation is not None:
        out["to"] = [{"operation": operation}]
    if when:
        out["when"] = [when]
    return out


def when(key, *values, no=()):
    return rule(key=key, **({"values": list(values)} if values else {}), **({"notValues": list(no)} if no else {}))


def policy(rules, action="ALLOW", name="p", namespace="foo", annotations=None, **spec):
    metadata = {"name": name, "namespace": namespace, **({"annotations": annotations} if annotations else {})}
    return {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": metadata,
            "spec": {"action": action, "rules": rules, **spec}}


def tokens(*rules, name="r", **spec):
    return {"apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication", "metadata": {"name": name, "namespace": "foo"},
            "spec": {"jwtRules": list(rules), **spec}}


def mtls(mode, name="d", **spec):
    return {"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": {"name": name, "namespace": "foo"},
            "spec": {"mtls": {"mode": mode}, **spec}}


def case(name, objects, asks, workload=POD, mesh=""):
    return {"id": name, "mesh": mesh, "workload": workload, "objects": "\n---\n".join(map(json.dumps, objects)), "requests": asks}


def get(path="/", **more):
    return {"principal": PEER, "host": "h", "path": path, **more}


def tcp(**more):
    return {"principal": PEER, "protocol": "tcp", **more}


def headers():
    for h in HEADERS:
        for values in (["v1"], ["*"]):
            yield case(f"header {h}: {values}", [policy([when(f"request.headers[{h}]", *values)])],
                       [get(), get(headers=[[h, "v1"]]), get(headers=[[h, "v1"], [h, "v2"]]), get(headers=[[h, "v1"], ["x-other", "v"], [h, ""]]),
                        get(headers=[[h, ""]])])
    for h in ("host", "Host", ":authority", ":method", ":path", ":scheme"):
        for value in ("h", "*", "GET", "/a", "/a?x=1", "http", "https"):
            yield case(f"header {h}: {value}", [policy([when(f"request.headers[{h}]", value)])],
                       [get("/a"), get("/a?x=1"), get("/a", host="H"), {"host": "h", "path": "/a"}])
    yield case("header empty", [policy([when("request.headers[x-a]", "*")])],
               [get(headers=[["x-a", ""]]), get(), get(headers=[["X-A", "v"]])])
    yield case("header negated", [policy([when("request.headers[x-a]", no=["v"])])],
               [get(), get(headers=[["x-a", "v"]]), get(headers=[["x-a", "w"]]), get(headers=[["x-a", "w"], ["x-a", "v"]])])
    yield case("header value with blanks", [policy([when("request.headers[x-a]", "a b")])],
               [get(headers=[["x-a", " a b "]]), get(headers=[["x-a", "a  b"]])])


def http2():
    """The same of HTTP/2. One value is enough; `connection`, most of `te` and blanks at the ends of a value it forbids."""
    for of in headers():
        if not any(part in of["id"] for part in ("['*']", "header connection", "header te", "blanks")):
            yield {**of, "id": f"http2 {of['id']}", "requests": [{**ask, "protocol": "http2"} for ask in of["requests"]]}
    crumbs = [[], [["cookie", "a=1; b=2"]], [["cookie", "a=1"], ["cookie", "b=2"]], [["cookie", "b=2"]]]
    yield case("http2 cookie", [policy([when("request.headers[cookie]", value) for value in ("a=1; b=2", "a=1", "a=1,b=2", "b=2")])],
               [get(protocol="http2", headers=lines) for lines in crumbs])
    yield case("http2 te", [policy([when("request.headers[te]", "trailers")])], [get(protocol="http2", headers=[["te", "trailers"]])])
    yield case("http2 host beside authority", [policy([rule(operation={"hosts": ["h"]}), when("request.headers[host]", "other")])],
               [get(protocol="http2", headers=[["host", "other"]]), get(protocol="http2", host="other", headers=[["host", "h"]])])
    for n in ("NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"):
        exact = [rule(operation={"paths": [value]}) for value in [*PATHS, "/c", "//", "/b", "/a/c", "/a/b;v=1", "/a//b"]]
        yield case(f"http2 path {n}", [policy(exact)], [get(p, protocol="http2") for p in PATHS], mesh=json.dumps({"pathNormalization": {"normalization": n}}))


def paths():
    for t in TEMPLATES:
        yield case(f"template {t}", [policy([rule(operation={"paths": [t]})])],
                   [get(p) for p in ["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a//b", "/x/b", "/a/b;v=1", "/a/%20x", "/a%20b/x", "/~/q", "/a/x/y/b"]])
    for t in ("/a/{*}", "/a/{**}"):
        asks = [get(f"/a/x{chr(c)}y") for c in range(33, 127) if chr(c) not in "?#"]
        yield case(f"template characters {t}", [policy([rule(operation={"paths": [t]})])], asks, mesh=json.dumps({"pathNormalization": {"normalization": "NONE"}}))
    for n in ("NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"):
        mesh = json.dumps({"pathNormalization": {"normalization": n}})
        # a rule for each: the id of the one that holds tells what became of the path
        exact = [rule(operation={"paths": [value]}) for value in [*PATHS, "/c", "//", "/b", "/a/c", "/a/b;v=1", "/a//b"]]
        yield case(f"path {n}", [policy(exact)], [get(p) for p in PATHS], mesh=mesh)
        for value in ("*", "/*", "*b", "/a*", "*%*"):
            yield case(f"path {n} {value}", [policy([rule(operation={"paths": [value]})])], [get(p) for p in PATHS], mesh=mesh)
    yield case("hosts", [policy([rule(operation={"hosts": ["a.com"]})])], [get(host=h) for h in ["a.com", "A.COM", "a.com:80", "a.com.", "b.com"]])
    yield case("methods", [policy([rule(operation={"methods": ["get"]})])], [get(), get(method="POST")])


def claims():
    own = tokens({"issuer": "i"})
    for key, values, claim in [
        ("request.auth.claims[scope]", ["read"], {"scope": "read write"}), ("request.auth.claims[permission]", ["read"], {"permission": "read write"}),
        ("request.auth.claims[other]", ["read"], {"other": "read write"}), ("request.auth.claims[num]", ["7"], {"num": 7}),
        ("request.auth.claims[b]", ["true"], {"b": True}), ("request.auth.claims[s]", ["*"], {"s": ""}), ("request.auth.claims[l]", ["*"], {"l": []}),
        ("request.auth.claims[a.b]", ["x"], {"a.b": "x"}), ("request.auth.claims[n][m]", ["x"], {"n": {"m": ["y", "x"]}}),
        ("request.auth.claims[n]", ["x"], {"n": {"m": "x"}}), ("request.auth.claims[n][m]", ["x"], {"n": "x"}),
        ("request.auth.claims[n][scope]", ["read"], {"n": {"scope": "read write"}}), ("request.auth.claims[scope]", ["read write"], {"scope": "read write"}),
        ("request.auth.audiences", ["x"], {"aud": ["y", "x"]}), ("request.auth.principal", ["i/*"], {}), ("request.auth.principal", ["*"], {"sub": ""}),
        ("request.auth.principal", ["i"], {"sub": "x"}), ("request.auth.principal", ["i/a/b"], {"sub": "a/b"}),
    ]:
        subject = {} if "sub" in claim or "principal" in key else {"sub": "s"}
        yield case(f"claim {key}={values} {claim}", [own, policy([when(key, *values)])], [get(jwt={"iss": "i", **subject, **claim})])
    some = {"iss": "i", "sub": "s"}
    states = [get(), get(jwt=some), get(jwt=some, bad_jwt=True), get(jwt={**some, "iss": "other"}), get(jwt={**some, "exp": 1000}),
              get(jwt={**some, "aud": "x"}), get(jwt={**some, "aud": ["x", "y"]})]
    preflight = [["origin", "https://a.com"], ["access-control-request-method", "GET"]]
    states += [get(method=m, jwt=some, bad_jwt=True, headers=preflight[:n]) for m in ("OPTIONS", "GET") for n in (0, 1, 2)]
    wanted = policy([rule(source={"requestPrincipals": ["*"]})])
    for name, rules in [
        ("one", [{"issuer": "i"}]), ("audience", [{"issuer": "i", "audiences": ["x"]}]), ("two", [{"issuer": "i"}, {"issuer": "j"}]),
        ("two of one issuer", [{"issuer": "i", "audiences": ["z"]}, {"issuer": "i", "audiences": ["x"]}]),
        ("other header", [{"issuer": "i", "fromHeaders": [{"name": "x-token"}]}]), ("cookie", [{"issuer": "i", "fromCookies": ["t"]}]),
        ("parameter", [{"issuer": "i", "fromParams": ["t"]}]), ("other header, and one", [{"issuer": "i", "fromHeaders": [{"name": "x-token"}]}, {"issuer": "j"}]),
        ("authorization named", [{"issuer": "i", "fromHeaders": [{"name": "Authorization", "prefix": "Bearer "}]}]),
        ("authorization without prefix", [{"issuer": "i", "fromHeaders": [{"name": "Authorization"}]}]),
        ("authorization with another prefix", [{"issuer": "i", "fromHeaders": [{"name": "Authorization", "prefix": "Token "}]}]),
    ]:
        yield case(f"token {name}", [tokens(*rules), wanted], states)
    split = tokens({"issuer": "i", "spaceDelimitedClaims": ["other"]})
    yield case("token spaceDelimitedClaims", [split, policy([when("request.auth.claims[other]", "read")])],
               [get(jwt={**some, "other": "read write"}), get(jwt={**some, "other": "reading"})])


def actions():
    everything = [{}]
    for annotation in ("true", "1", "false", "no"):
        for action in ("DENY", "ALLOW", "AUDIT"):
            yield case(f"dry run {annotation} {action}", [policy([rule(operation={"paths": ["/x"]})], action, annotations={"istio.io/dry-run": annotation})],
                       [get(), get("/x"), tcp()])
    one = rule(operation={"paths": ["/"]})
    yield case("the smallest id", [policy([one] * 12, name="z"), policy([one], name="y")], [get()])
    yield case("the smallest id as a text", [policy([rule(operation={"paths": ["/no"]})] * 2 + [one] * 10)], [get()])
    yield case("AUDIT and ALLOW", [policy(everything, "AUDIT", name="a"), policy([one], name="b")], [get(), get("/x")])
    for action in ("ALLOW", "DENY", "AUDIT"):
        yield case(f"no rules {action}", [policy([], action)], [get(), tcp()])
    for name in (["nobody"], ["nobody", "nobody-else"]):
        customs = [policy([rule(operation={"paths": ["/x"]}), rule(source={"ipBlocks": ["127.0.0.7"]})], "CUSTOM", name=f"c{n}", provider={"name": n})
                   for n in name]
        yield case(f"CUSTOM {name}", customs, [get(), get("/x"), get(source_ip="127.0.0.7"), tcp(), tcp(source_ip="127.0.0.7")])
    asks = policy([rule(operation={"paths": ["/x"]}), rule(source={"ipBlocks": ["127.0.0.7"]})], "CUSTOM", name="c", provider={"name": "authz"})
    for more in ([], [policy([rule(operation={"paths": ["/x"]})], "DENY")], [policy([rule(operation={"paths": ["/x"]})], "ALLOW")]):
        yield case(f"CUSTOM asks, and {[m['spec']['action'] for m in more]}", [asks, *more, meshes.AUTHZ],
                   [get(), get("/x"), get(source_ip="127.0.0.7"), tcp(), tcp(source_ip="127.0.0.7")], mesh=json.dumps(meshes.PROVIDERS))
    yield case("experimental on TCP", [policy([when("experimental.envoy.filters.network.mysql_proxy[db.table]", "[select]")], "DENY")], [get(), tcp()])
    yield case("experimental on TCP, ALLOW", [policy([when("experimental.envoy.filters.network.mysql_proxy[db.table]", no=["[select]"])])], [get(), tcp()])
    yield case("experimental without brackets", [policy([when("experimental.envoy.filters.network.mysql_proxy", "x")], "DENY")], [get(), tcp()])
    for name, bad in [
        ("block", rule(source={"ipBlocks": ["1.2.3.4/33"]})), ("blocks", rule(source={"ipBlocks": ["1.2.3.4/33", "127.0.0.1"]})),
        ("port", rule(operation={"ports": ["http"]})), ("signed port", rule(operation={"ports": ["+8080"]})), ("octal port", rule(operation={"ports": ["08080"]})),
        ("key", when("request.foo", "x")), ("source", rule(source={})), ("condition", rule(key="source.ip")), ("text", rule(source={"principals": [""]})),
        ("claims", when("request.auth.claims", "x")), ("header", when("request.headers", "x")),
    ]:
        for action in ("ALLOW", "DENY"):
            yield case(f"bad {name} {action}", [policy([bad], action)], [get(), tcp(), {"host": "h"}])
    yield case("spiffe://", [policy([rule(source={"principals": ["spiffe://" + PEER]})])], [get(), tcp()])
    yield case("remote blocks", [policy([rule(source={"remoteIpBlocks": ["2001:db8::/32", "::ffff:10.0.0.0/104"]})])],
               [get(headers=[["x-forwarded-for", x]]) for x in ["2001:db8::1", "10.0.0.1", "::ffff:10.0.0.1", "[2001:db8::1]", "2001:db8::1:80", "10.0.0.1:80"]])
    yield case("forwarded", [policy([rule(source={"remoteIpBlocks": ["1.2.3.4", "5.6.7.8"]})])],
               [get(headers=[["x-forwarded-for", v]]) for v in ["1.2.3.4", "1.2.3.4, 5.6.7.8", "bad", "1.2.3.4,", "10.0.0.1,127.0.0.1"]]
               + [get(headers=[["x-forwarded-for", "1.2.3.4"], ["x-forwarded-for", "10.0.0.1"]]), get(remote_ip="5.6.7.8")])
    yield case("sni", [policy([when("connection.sni", "A.com")])], [get(sni="A.com"), get(sni="a.com")])


def certificates():
    both = [dict(ask, principal=peer) for peer in (PEER, "td2/ns/a/sa/b", "evil/ns/a/sa/b", "") for ask in (get(), tcp())]
    both += [get(principal=peer) for peer in ("cluster.local", "cluster.local/", "cluster.local/x")]
    yield case("trust domains", [policy([{}])], both, workload={**POD, "san_check": True}, mesh=json.dumps({"trustDomainAliases": ["td2"]}))
    yield case("STRICT", [mtls("STRICT"), policy([{}])], both)
    label = {"selector": {"matchLabels": {"app": "httpbin"}}}
    port = lambda mode: {"portLevelMtls": {"8080": {"mode": mode}}}
    for above in ("STRICT", "PERMISSIVE"):
        for own in ("UNSET", "STRICT", "PERMISSIVE"):
            for at in ("UNSET", "STRICT", "PERMISSIVE"):
                yield case(f"mtls {above}, {own}, port {at}", [mtls(above), mtls(own, name="w", **label, **port(at))],
                           [{**a, "principal": p, "dest_port": n} for a in (get(), tcp()) for p in (PEER, "") for n in (8080, 9000)])
    yield case("port without selector", [mtls("PERMISSIVE", **port("STRICT"))], [{"host": "h"}])


def waypoints():
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "httpbin", "namespace": "foo", "labels": {"istio.io/use-waypoint": "waypoint"}},
               "spec": {"clusterIP": "10.96.1.1", "ports": [{"name": "http", "port": 8000, "targetPort": 80}, {"name": "tcp", "port": 9000, "targetPort": 90}]}}
    at = {"targetRefs": [{"kind": "Service", "group": "", "name": "httpbin"}]}
    def to(ask, **more):
        return {**ask, "dest_service": "foo/httpbin", "dest_port": 9000 if ask.get("protocol") == "tcp" else 8000, **more}
    for f in ("ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"):
        yield case(f"waypoint {f}", [policy([rule(source={f: ["10.1.2.3"]})], "DENY", **at), service],
                   [to(a, source_ip=ip) for ip in ("10.1.2.3", "10.9.9.9") for a in (get(), tcp())]
                   + [to(get(), source_ip="10.9.9.9", headers=[["x-forwarded-for", "10.1.2.3"]])], workload=WAYPOINT)
    for name, bound in [("nothing", {}), ("a selector", {"selector": {"matchLabels": {}}}), ("its Service", at)]:
        for ports in ("8000", "80"):
            yield case(f"waypoint, bound to {name}, port {ports}", [policy([rule(operation={"ports": [ports]})], "DENY", **bound), service],
                       [to(get()), to(tcp())], workload=WAYPOINT)
    yield case("waypoint, a path on TCP", [policy([rule(operation={"paths": ["/x"]})], "DENY", **at), service],
               [to(get()), to(tcp()), to(get(), dest_port=9000)], workload=WAYPOINT)
    yield case("waypoint trust domains", [service], [to(get(), principal=p) for p in (PEER, "evil/ns/a/sa/b", "")], workload={**WAYPOINT, "san_check": True})


def ports():
    """What is declared: a rule about methods holds on HTTP alone."""
    words = [(name, app) for name, app, _ in meshes.PORTS]
    words += [("grpc-web-x", None), ("grpcweb", None), ("http_proxy", None), ("http2-x", None), ("a", "Http2"), ("a", "GRPC-WEB-x"), ("a", "mongo")]
    declared = [{"name": f"{name}-{i}", "port": 8000 + i, "targetPort": 9000 + i, **({"appProtocol": app} if app else {})} for i, (name, app) in enumerate(words)]
    declared += [{"name": f"w-{n}", "port": n, "targetPort": 10000 + n} for n in (25, 53, 3306, 27017)]
    declared += [{"name": f"v-{n}", "port": 20000 + n, "targetPort": n} for n in (25, 53, 3306, 27017)]
    declared += [{"name": "u-3306", "port": 5000, "targetPort": 5001, "appProtocol": "unknown"}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "httpbin", "namespace": "foo", "labels": {"istio.io/use-waypoint": "waypoint"}},
               "spec": {"clusterIP": "10.96.1.1", "selector": {"app": "httpbin"}, "ports": declared}}
    by_method = [rule(operation={"methods": ["GET"]})]
    yield case("ports of a sidecar", [policy(by_method), service], [get(dest_port=d["targetPort"]) for d in declared] + [get(dest_port=d["port"]) for d in declared])
    at = {"targetRefs": [{"kind": "Service", "group": "", "name": "httpbin"}]}
    yield case("ports of a waypoint", [policy(by_method, **at), service],
               [get(dest_service="foo/httpbin", dest_port=d["port"]) for d in declared], workload=WAYPOINT)


def gateways():
    classic, of_api = meshes.gateway(random.Random(3)), meshes.gateway_api(random.Random(3))
    xff = [["x-forwarded-for", "1.2.3.4"]]
    for name, place in (("classic", classic), ("Gateway API", of_api)):
        port = place["servers"][0][0]
        asks = [{"host": "h", "dest_port": port, **more} for more in
                ({}, {"headers": xff}, {"remote_ip": "1.2.3.4"}, {"remote_ip": "1.2.3.4", "headers": [["x-forwarded-for", "5.6.7.8"]]}, {"source_ip": "127.0.0.7"})]
        for f, value in (("remoteIpBlocks", "1.2.3.4"), ("ipBlocks", "127.0.0.7"), ("notRemoteIpBlocks", "1.2.3.4")):
            yield case(f"gateway {name} {f}", [policy([rule(source={f: [value]})], "DENY"), *place["objects"]], asks, workload=place["point"])
        for h in ("x-forwarded-for", "x-forwarded-proto", "x-envoy-external-address", "x-request-id", "x-forwarded-client-cert"):
            for value in ("*", "1.2.3.4", "http"):
                yield case(f"gateway {name} header {h}: {value}", [policy([when(f"request.headers[{h}]", value)]), *place["objects"]],
                           [*asks, {"host": "h", "dest_port": port, "headers": [[h, "http"]]}], workload=place["point"])
        target = lambda kind, name, group="gateway.networking.k8s.io": {"targetRefs": [{"kind": kind, "group": group, "name": name}]}
        for what, namespace, bound in [
            ("nothing", "foo", {}), ("nothing in the root namespace", "istio-system", {}), ("nothing in another namespace", "bar", {}),
            ("a selector", "foo", {"selector": {"matchLabels": {"app": place["point"]["labels"]["app"]}}}),
            ("another selector", "foo", {"selector": {"matchLabels": {"app": "x"}}}), ("the Gateway", "foo", target("Gateway", "gw")),
            ("the Gateway from elsewhere", "istio-system", target("Gateway", "gw")), ("its class", "istio-system", target("GatewayClass", "istio")),
            ("the class of waypoints", "istio-system", target("GatewayClass", "istio-waypoint")), ("its Service", "foo", target("Service", "gw-istio", "")),
        ]:
            yield case(f"gateway {name}, bound to {what}", [policy([{}], "DENY", namespace=namespace, **bound), *place["objects"]], asks[:1], workload=place["point"])
    port = of_api["servers"][0][0]
    asks = [{"host": "h", "dest_port": port, "remote_ip": "9.9.9.9", "headers": [["x-forwarded-for", v]] if v else []}
            for v in ("", "1.2.3.4", "5.6.7.8", "1.2.3.4,5.6.7.8", "5.6.7.8, 1.2.3.4", "1.2.3.4,5.6.7.8,7.7.7.7", "bad,7.7.7.7", "1.2.3.4,bad")]
    for trusted in (1, 2):
        mesh = json.dumps({"defaultConfig": {"gatewayTopology": {"numTrustedProxies": trusted}}})
        yield case(f"gateway with {trusted} trusted", [policy([rule(source={"remoteIpBlocks": [ip]}) for ip in ("1.2.3.4", "5.6.7.8", "7.7.7.7", "9.9.9.9")]),
                   *of_api["objects"]], asks, workload=of_api["point"], mesh=mesh)
        for h in ("x-forwarded-for", "x-envoy-external-address"):
            yield case(f"gateway with {trusted} trusted, header {h}", [policy([when(f"request.headers[{h}]", v) for v in
                       ("1.2.3.4", "5.6.7.8", "9.9.9.9", "1.2.3.4,9.9.9.9", "1.2.3.4,5.6.7.8,9.9.9.9", "*")]), *of_api["objects"]], asks, workload=of_api["point"], mesh=mesh)
        proto = [{"host": "h", "dest_port": port, "headers": [["x-forwarded-proto", v]] if v else []} for v in ("", "http", "https", "x")]
        yield case(f"gateway with {trusted} trusted, scheme", [policy([when(f"request.headers[{h}]", v) for h in ("x-forwarded-proto", ":scheme")
                   for v in ("http", "https", "x")], "DENY"), *of_api["objects"]], proto, workload=of_api["point"], mesh=mesh)
    whole = [policy([when("connection.sni", "a.com"), rule(source={"principals": ["*"]}), rule(operation={"methods": ["PUT"]})])]
    asks = []
    for port, how, speaks in classic["servers"]:
        tls = {"": "", "passthrough": "passthrough"}.get(how, "terminate")
        for sni in ("a.com", "b.a.com") if tls else ("",):
            for peer in (PEER, "") if how == "either" else (PEER,) if how == "mutual" else ("",):
                for method in ("GET", "PUT") if speaks else ("",):
                    asks.append({"host": "h", "dest_port": port, "tls": tls, "sni": sni, "principal": peer, "method": method, "protocol": "http" if speaks else "tcp"})
    yield case("gateway servers", [*whole, *classic["objects"]], asks, workload=classic["point"])


def cases():
    for some in (headers, http2, paths, claims, actions, certificates, waypoints, ports, gateways):
        yield from some()
