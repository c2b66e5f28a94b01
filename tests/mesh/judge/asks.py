"""Requests aimed at policies: from the values that they name (as they are, or nearly), and from a general pool."""

import ipaddress

import policies as p


def named(objects):
    """All values that the AuthorizationPolicies name, by the request's field that they speak about."""
    found = {}

    def put(fields):
        for key, values in fields.items():
            key = key[3].lower() + key[4:] if key.startswith("not") else key
            found.setdefault(key, []).extend(values or [])

    for o in objects:
        if o["kind"] != "AuthorizationPolicy":
            continue
        for rule in o["spec"].get("rules", []):
            for part in rule.get("from", []):
                put(part["source"])
            for part in rule.get("to", []):
                put(part["operation"])
            for w in rule.get("when", []):
                put({w["key"]: w.get("values", []) + w.get("notValues", [])})
    return found


def concrete(r, v):
    """A text that a pattern should match, now and then almost."""
    for token in ("{**}", "{*}"):
        while token in v:
            v = v.replace(token, r.choice(["x", "7", "b"] + (["x/y", ""] if token == "{**}" else [])), 1)
    if v.startswith("*"):
        v = r.choice(["", "x", "td1/ns/foo", "b."]) + v[1:]
    elif v.endswith("*"):
        v = v[:-1] + r.choice(["", "x", "/b", "-2"])
    if r.random() < 0.08 and v:
        v = r.choice([v + "x", v[:-1], v.upper(), v.swapcase()])
    return v


def address(r, block):
    """An address of a block that a client can have."""
    try:
        network = ipaddress.ip_network(block, strict=False)
    except ValueError:
        return None
    ip = network[r.randrange(network.num_addresses)]
    return None if ip.is_multicast or ip.is_reserved or ip.is_unspecified else str(ip)


def usable(principal):
    principal = principal.removeprefix("spiffe://")
    fits = principal and all(c.isalnum() or c in "-._/~" for c in principal) and not principal.startswith("/")
    return principal if fits else None


class Ask:
    """Makes requests for one case."""

    def __init__(self, r, place, objects, jwt, plaintext):
        self.r, self.place, self.jwt, self.plaintext = r, place, jwt, plaintext
        self.named = named(objects)

    def field(self, keys, pool, likely=0.7):
        values = [v for k in keys for v in self.named.get(k, [])]
        if values and self.r.random() < likely:
            return concrete(self.r, self.r.choice(values))
        return self.r.choice(pool)

    def principal(self):
        r, found = self.r, None
        if r.random() < 0.55:
            found = usable(self.field(["principals", "source.principal"], ["td1/ns/foo/sa/a"], 1))
        elif self.named.get("serviceAccounts") or self.named.get("source.serviceAccount"):
            namespace, _, account = self.field(["serviceAccounts", "source.serviceAccount"], p.ACCOUNTS, 1).rpartition("/")
            found = usable(f"{self.domain()}/ns/{namespace or 'foo'}/sa/{account}")
        if not found:
            namespace = self.field(["namespaces", "source.namespace"], p.NAMESPACES) or "foo"
            found = usable(f"{self.domain()}/ns/{namespace}/sa/{r.choice(p.ACCOUNTS)}") or "td1/ns/foo/sa/a"
        if r.random() < 0.5 and "/" in found:  # of the mesh, which its TLS wants
            found = self.r.choice(self.place["domains"]) + found[found.index("/"):]
        return found

    def domain(self):
        return self.field(["trustDomains", "source.trustDomain"], p.DOMAINS) or "td1"

    def connection(self):
        """Where it goes, and what may be spoken there."""
        r, q = self.r, {}
        kind = self.place["kind"]
        ip = address(r, self.field(["ipBlocks", "source.ip"], p.SOURCES))
        q["source_ip"] = ip if ip and ip.startswith("127.") and not ip.endswith((".0", ".255")) else r.choice(p.SOURCES)
        if kind == "waypoint":
            target = r.choices(list(self.place["ports"]), [50, 15, 12, 12, 11])[0]
            q["dest_ip" if target[0].isdigit() else "dest_service"] = target
            q["dest_port"], _, speaks = self.port(self.place["ports"][target])
            q["principal"] = self.principal()
            if r.random() < 0.3:
                q["source_ip"] = address(r, self.field(["remoteIpBlocks", "remote.ip"], p.REMOTES)) or p.REMOTES[0]
                if ":" in q["source_ip"]:
                    q["source_ip"] = p.REMOTES[0]
            return q, speaks
        how = ""
        if kind == "sidecar":
            q["dest_port"], _, speaks = self.port(self.place["ports"][""])
            if not self.plaintext and r.random() < 0.88:
                q["principal"] = self.principal()
        else:
            q["dest_port"], how, speaks = self.port(self.place["servers"])
            if how:
                q["tls"] = "passthrough" if how == "passthrough" else "terminate"
            if how == "mutual" or how == "either" and r.random() < 0.5:
                q["principal"] = self.principal()
        ip = address(r, self.field(["destination.ip"], p.DESTINATIONS)) or p.DESTINATIONS[0]
        q["dest_ip"] = p.DESTINATIONS[0] if ":" in ip else ip
        if r.random() < 0.4:
            ip = address(r, self.field(["remoteIpBlocks", "remote.ip"], p.REMOTES))
            if ip and ":" not in ip and ip.partition(".")[0] != "0":  # the PROXY protocol wants one family
                q["remote_ip"] = ip
        if how == "passthrough":
            q["sni"] = r.choice(["a.com", "b.a.com", "x.b.a.com"])
        elif how or "principal" in q:
            sni = self.field(["connection.sni"], p.SNIS + [""])
            if sni and all(c.isalnum() or c in "-._" for c in sni) and sni[-1] != "." and sni[0] != ".":
                q["sni"] = sni
        return q, speaks

    def port(self, known):
        wanted = {v for k in ("ports", "destination.port") for v in self.named.get(k, [])}
        hits = [k for k in known if str(k[0]) in wanted]
        return self.r.choice(hits if hits and self.r.random() < 0.6 else known)

    def one(self):
        r = self.r
        q, speaks = self.connection()
        # only ports declared as HTTP cannot be sent bytes
        bytes_likely = 0 if speaks else 0.25 if speaks is None else 0.6
        if self.place["kind"].startswith("gateway"):
            bytes_likely = 0 if speaks else 1
        q["protocol"] = "tcp" if r.random() < bytes_likely else "http"
        if q["protocol"] == "http":
            self.request(q)
            # bytes to a port of TCP are the same whatever they say
            if speaks is not False and r.random() < 0.3:
                q["protocol"] = "http2"
                # Envoy's codec refuses what HTTP/2 has no use for
                q["headers"] = [h for h in q.get("headers", []) if h[0].lower() not in ("te", "connection")]
        return q

    def request(self, q):
        r = self.r
        q["method"] = self.field(["methods", "request.headers[:method]"], p.METHODS)
        if q["method"] not in p.METHODS:
            q["method"] = r.choice(p.METHODS)  # Envoy's HTTP/1 codec refuses unknown ones
        q["path"] = self.field(["paths", "request.headers[:path]"], p.PATHS)
        if not q["path"].startswith("/"):
            q["path"] = "/" + q["path"]
        q["host"] = self.field(["hosts", "request.headers[Host]", "request.headers[:authority]"], p.HOSTS) or "x"
        if not all(c.isalnum() or c in "-.:" for c in q["host"]):
            q["host"] = r.choice(p.HOSTS)
        lines = self.headers()
        if r.random() < 0.35:
            ip = address(r, self.field(["remoteIpBlocks", "remote.ip"], p.REMOTES))
            if ip:
                lines.append(["x-forwarded-for", r.choice(["", r.choice(p.REMOTES) + ", "]) + ip])
        if q["method"] == "OPTIONS" and r.random() < 0.5:
            lines += [["origin", "https://a.com"], ["access-control-request-method", "GET"]]
        if lines:
            q["headers"] = lines
        if self.jwt and r.random() < 0.8:
            q["jwt"] = self.claims()
            if r.random() < 0.05:
                q["bad_jwt"] = True

    def headers(self):
        r, lines = self.r, []
        asked = {k[len("request.headers["):-1]: v for k, v in self.named.items() if k.startswith("request.headers[")}
        for name in sorted({*asked, r.choice(["x-role", "x-env", "User-Agent"])}):
            if name.startswith(":") or name == "Host" or r.random() > 0.7:
                continue
            pool = p.HEADERS.get(name, ["v"])
            value = concrete(r, r.choice(asked[name])) if asked.get(name) and r.random() < 0.7 else r.choice(pool)
            lines.append([name, value])
            if r.random() < 0.08:
                lines.append([name, r.choice(pool)])
        return lines

    def claims(self):
        r = self.r
        pool = [f"{r.choice(p.ISSUERS)}/{r.choice(p.SUBJECTS)}"]
        issuer, _, subject = self.field(["requestPrincipals", "request.auth.principal"], pool).rpartition("/")
        out = {"iss": issuer if issuer in p.ISSUERS else r.choice(p.ISSUERS), "sub": subject or r.choice(p.SUBJECTS)}
        if r.random() < 0.03:
            out["iss"] = "https://unknown.example"
        if r.random() < 0.03:
            out["exp"] = 1000
        for name in r.sample(list(p.CLAIMS), r.randint(0, 6)):
            out[name] = r.choice(p.CLAIMS[name])
        return out
