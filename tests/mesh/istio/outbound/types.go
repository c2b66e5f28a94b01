package main

// Case is a set of objects, the sidecars of some of its pods, and what their applications connect to.
// Cases and answers are JSON lines; `tests/judge/outbound.rs` reads the same.
type Case struct {
	ID string `json:"id"`
	// Objects, as YAML documents: everything that istiod knows.
	Objects string `json:"objects"`
	// Mesh is a MeshConfig, as YAML.
	Mesh    string   `json:"mesh"`
	Clients []Client `json:"clients"`
	Asks    []Ask    `json:"asks"`
}

// Client is a pod with a sidecar.
type Client struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	IP        string            `json:"ip"`
	// HBONE is what the injector writes where ambient mode is on.
	HBONE bool `json:"hbone"`
	// Version of the proxy.
	Version string `json:"version"`
}

// Ask is a connection that an application opens, after DNS.
type Ask struct {
	// Client is an index.
	Client  int    `json:"client"`
	Address string `json:"address"`
	Port    int    `json:"port"`
	// Host is the authority of the HTTP request; a connection without one is not HTTP.
	Host string `json:"host,omitempty"`
}

// Answer says where the client's proxy sends, and what it speaks there.
type Answer struct {
	// Cluster that takes the connection, and its type.
	Cluster string `json:"cluster,omitempty"`
	Type    string `json:"type,omitempty"`
	// Sends is the transport by address and port: hbone, mtls, tls, plain. Nothing where the
	// connection ends at the proxy.
	Sends map[string]string `json:"sends"`
	Error string            `json:"error,omitempty"`
}

// Answers to a case.
type Answers struct {
	ID      string   `json:"id"`
	Answers []Answer `json:"answers,omitempty"`
	Error   string   `json:"error,omitempty"`
}
