package main

import "waypost.dev/mesh/istio/inprocess"

// Case is a mesh, and what applications of pods with a sidecar connect to. Cases and answers are JSON lines;
// `tests/judge/outbound.rs` reads the same.
type Case struct {
	inprocess.Mesh
	// Clients are pods with a sidecar; asks name them by index.
	Clients []Pod `json:"clients"`
	// Pods are all pods.
	Pods     []Pod     `json:"pods"`
	Services []Service `json:"services"`
	Asks     []Ask     `json:"asks"`
}

// Pod is a pod, with a sidecar or without.
type Pod struct {
	inprocess.Pod
	Mode string `json:"mode"` // sidecar, plain
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

// Ask is a connection that an application opens.
type Ask struct {
	inprocess.Ask
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
