package main

import "waypost.dev/mesh/istio/inprocess"

// Case is a mesh, the sidecars of some of its pods, and what their applications connect to. Cases and answers are JSON
// lines; `tests/judge/outbound.rs` reads the same.
type Case struct {
	inprocess.Mesh
	Clients []inprocess.Pod `json:"clients"`
	Asks    []inprocess.Ask `json:"asks"`
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
