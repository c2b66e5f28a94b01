// Command outbound says what the sidecars of clients do with connections, by istiod's own code: an in-process istiod
// (FakeDiscoveryServer) makes their listeners, routes, clusters and endpoints; Istio's own simulation of
// Envoy (pilot/pkg/simulation) finds the cluster, and the endpoint's metadata the transport socket.
//
//	outbound < cases.jsonl > answers.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"istio.io/istio/pkg/log"
)

func main() {
	if err := ambient(); err != nil {
		fail(err)
	}
	for _, s := range log.Scopes() {
		s.SetOutputLevel(log.NoneLevel)
	}
	if err := run(os.Stdin, os.Stdout); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "outbound:", err)
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

func run(in io.Reader, out io.Writer) error {
	r, w := bufio.NewReaderSize(in, 1<<20), bufio.NewWriter(out)
	for {
		line, err := r.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			c := &Case{}
			if err := json.Unmarshal(line, c); err != nil {
				return fmt.Errorf("case: %w", err)
			}
			b, err := json.Marshal(answer(c))
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
