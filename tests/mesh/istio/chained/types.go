package main

// Case is a mesh, and what applications of pods with a sidecar connect to. Cases and answers are JSON lines;
// `tests/judge/outbound.rs` reads the same.
type Case struct {
	ID string `json:"id"`
	// Objects, as YAML documents: everything that istiod knows.
	Objects string `json:"objects"`
	// Mesh is a MeshConfig, as YAML.
	Mesh string `json:"mesh"`
	// Clients are pods with a sidecar; asks name them by index.
	Clients []Pod `json:"clients"`
	// Pods are all pods.
	Pods     []Pod     `json:"pods"`
	Services []Service `json:"services"`
	Asks     []Ask     `json:"asks"`
}

// Pod is a pod, with a sidecar or without.
type Pod struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	IP        string            `json:"ip"`
	Mode      string            `json:"mode"` // sidecar, plain
	// HBONE is what the injector writes where ambient mode is on.
	HBONE   bool   `json:"hbone"`
	Version string `json:"version"`
	// Ports are what connections to the pod are addressed to.
	Ports []int `json:"ports"`
	// Open are those of them that its rules keep from its sidecar.
	Open []int `json:"open"`
}

// Service is an address that the node translates.
type Service struct {
	IP string `json:"ip"`
	// To says where each port leads.
	To map[int][]string `json:"to"`
}

// Ask is a connection that an application opens, after DNS.
type Ask struct {
	Client  int    `json:"client"`
	Address string `json:"address"`
	Port    int    `json:"port"`
	// Host is the authority of the HTTP request; a connection without one is bytes.
	Host string `json:"host,omitempty"`
	// Past says that the pod's rules keep the connection from its sidecar.
	Past bool `json:"past,omitempty"`
}

// Hit is an application that was reached.
type Hit struct {
	// Pod is "namespace/name".
	Pod string `json:"pod"`
	// Kind is what the application got: http, bytes, tls.
	Kind string `json:"kind"`
	// Identity that the server's sidecar saw.
	Identity string `json:"identity,omitempty"`
}

// Answer says where a connection ended.
type Answer struct {
	// Ended is every application that was reached: what one of them does not answer is tried again.
	Ended []Hit `json:"ended"`
	// Said is what the client's application got.
	Said string `json:"said"`
}

// Answers to a case.
type Answers struct {
	ID      string   `json:"id"`
	Answers []Answer `json:"answers,omitempty"`
	Error   string   `json:"error,omitempty"`
}
