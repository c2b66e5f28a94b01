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
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"istio.io/istio/pkg/log"
)

func main() {
	envoy := flag.String("envoy", "", "Envoy's program")
	work := flag.String("work", "", "an empty folder for Envoy's configuration and its logs")
	flag.Parse()
	if err := ambient(); err != nil {
		fail(err)
	}
	for _, s := range log.Scopes() {
		s.SetOutputLevel(log.NoneLevel)
	}
	if err := run(os.Stdin, os.Stdout, *envoy, *work); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "chained:", err)
	os.Exit(1)
}

// ambient starts the program again with istiod's ambient flags on: istiod reads its flags before main.
func ambient() error {
	const flag = "PILOT_ENABLE_AMBIENT"
	if _, set := os.LookupEnv(flag); set {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(self, os.Args, append(os.Environ(), flag+"=true"))
}

func run(in io.Reader, out io.Writer, envoy, work string) error {
	keys, err := newPKI()
	if err != nil {
		return err
	}
	r, w := bufio.NewReaderSize(in, 1<<20), bufio.NewWriter(out)
	for {
		line, err := r.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			c := &Case{}
			if err := json.Unmarshal(line, c); err != nil {
				return fmt.Errorf("case: %w", err)
			}
			b, err := json.Marshal(answer(c, keys, envoy, work))
			if err != nil {
				return err
			}
			if _, err := w.Write(append(b, '\n')); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return w.Flush()
		} else if err != nil {
			return err
		}
	}
}
