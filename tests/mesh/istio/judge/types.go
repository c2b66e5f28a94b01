package main

// The input is JSON lines, one Case per line; the output is JSON lines, one CaseResult per line.

// Case is one set of Istio objects, one enforcement point, and the requests put to it.
type Case struct {
	ID string `json:"id"`
	// Objects is YAML (several documents allowed): AuthorizationPolicy, RequestAuthentication,
	// PeerAuthentication, and for waypoints Service, ServiceEntry, Pod.
	Objects string `json:"objects"`
	// Mesh is MeshConfig YAML (trustDomain, trustDomainAliases, rootNamespace, pathNormalization ...).
	Mesh     string    `json:"mesh,omitempty"`
	Workload Workload  `json:"workload"`
	Requests []Request `json:"requests"`
}

// Workload is the enforcement point.
type Workload struct {
	Kind      string            `json:"kind"` // sidecar, waypoint or gateway
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels,omitempty"` // sidecar, gateway: pod labels
	Name      string            `json:"name,omitempty"`   // waypoint: name of the Gateway
	// SANCheck keeps istiod's check that the client certificate belongs to the mesh's trust domains.
	// Without it every client certificate passes TLS, so that only RBAC decides.
	SANCheck bool `json:"san_check,omitempty"`
}

// Request is one request (protocol http or http2) or one connection (protocol tcp). What a port that was declared
// as TCP is sent may be a request too: then the connection is what is judged.
type Request struct {
	Principal   string         `json:"principal,omitempty"`    // "td/ns/x/sa/y" or a full spiffe:// URI; empty: no certificate
	TLS         string         `json:"tls,omitempty"`          // gateway: "terminate" or "passthrough"; elsewhere a principal means mTLS
	SourceIP    string         `json:"source_ip,omitempty"`    // sidecar, gateway: 127.0.0.0/8 only
	RemoteIP    string         `json:"remote_ip,omitempty"`    // sidecar, gateway: address told by PROXY protocol; default source_ip
	DestIP      string         `json:"dest_ip,omitempty"`      // any address
	DestService string         `json:"dest_service,omitempty"` // waypoint: "namespace/name" instead of dest_ip
	DestPort    int            `json:"dest_port,omitempty"`
	SNI         string         `json:"sni,omitempty"`
	Protocol    string         `json:"protocol,omitempty"` // "http" (default: HTTP/1.1), "http2" or "tcp"
	Method      string         `json:"method,omitempty"`
	Path        string         `json:"path,omitempty"` // sent as is, query included
	Host        string         `json:"host,omitempty"`
	Headers     [][2]string    `json:"headers,omitempty"`
	JWT         map[string]any `json:"jwt,omitempty"`     // claims; signed with the harness's key
	BadJWT      bool           `json:"bad_jwt,omitempty"` // sign with another key
}

// CaseResult answers one Case.
type CaseResult struct {
	ID         string            `json:"id"`
	Validation map[string]string `json:"validation,omitempty"` // istiod's webhook validation: object -> error or "warning: ..."
	Rejected   string            `json:"rejected,omitempty"`   // Envoy refused the generated listener (or istiod failed)
	Dropped    []string          `json:"dropped,omitempty"`    // istio-proxy-only filters that were left out
	Results    []Result          `json:"results"`
}

// Result answers one Request.
type Result struct {
	// Verdict is allow, deny (RBAC or JWT), refused (the connection: TLS, or no filter chain takes it) or
	// error (undecided: Envoy's codec or path checks came first, or the case was rejected).
	Verdict string `json:"verdict"`
	// Policy is the id inside rbac_access_denied_matched_policy[...] ("none": ALLOW policies exist, none matched),
	// or for an allowed request the ALLOW rule that matched, where one did.
	Policy string `json:"policy,omitempty"`
	// Asked is the id of the CUSTOM rule by which an external authorizer was asked.
	Asked    string            `json:"asked,omitempty"`
	Status   int               `json:"status,omitempty"`
	Details  string            `json:"details,omitempty"`
	Metadata string            `json:"metadata,omitempty"` // dynamic metadata of the RBAC filter (dry run, audit)
	Seen     map[string]string `json:"seen,omitempty"`     // what Envoy saw: addresses, principal, path
}
