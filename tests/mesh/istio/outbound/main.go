// Command outbound says what the sidecars of clients do with connections, by istiod's own code: an in-process istiod
// (FakeDiscoveryServer) makes their listeners, routes, clusters and endpoints; Istio's own simulation of
// Envoy (pilot/pkg/simulation) finds the cluster, and the endpoint's metadata the transport socket.
//
//	outbound < cases.jsonl > answers.jsonl
package main

import (
	"os"

	"waypost.dev/mesh/istio/inprocess"
)

func main() {
	inprocess.Main("outbound", func() error { return inprocess.Lines(os.Stdin, os.Stdout, answer) })
}
