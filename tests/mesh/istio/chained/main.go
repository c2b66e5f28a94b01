// Command chained sends real requests through real Envoys on loopback: from the application of a client to its sidecar, and
// on to the sidecar of the server and its application. An in-process istiod (FakeDiscoveryServer) makes the listeners,
// routes, clusters and endpoints of every pod with a sidecar, and each has an Envoy of its own. What is changed about them is
// told in pod.go.
//
// It needs a network of its own in which every address of 10.0.0.0/8 is local: `tests/mesh/chained/run` makes one. There pods
// and Services have the addresses that istiod knows, and no rule has to redirect anything:
//
//   - the application speaks to the sidecar's outbound listener, and says by the PROXY protocol where it wants to go;
//
//   - the sidecar's inbound listener is at each port of the pod's address;
//
//   - relay.go is the node that translates the addresses of Services.
//
//     chained -envoy PROGRAM -work FOLDER < cases.jsonl > answers.jsonl
package main

import (
	"flag"
	"os"

	"waypost.dev/mesh/istio/inprocess"
)

func main() {
	envoy := flag.String("envoy", "", "Envoy's program")
	work := flag.String("work", "", "an empty folder for Envoy's configuration and its logs")
	flag.Parse()
	inprocess.Main("chained", func() error {
		keys, err := newPKI()
		if err != nil {
			return err
		}
		return inprocess.Lines(os.Stdin, os.Stdout, func(c *Case) inprocess.Answers[Answer] { return answer(c, keys, *envoy, *work) })
	})
}
