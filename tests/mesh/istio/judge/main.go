// Command judge answers "would this request be allowed, and by which rule?" with real components: istiod's own
// code turns Istio objects into listeners, a real Envoy on loopback decides, and the answer is read back from it.
// The format of cases and results is in types.go; what is real and what is substituted, in listeners.go.
//
// Limits: Envoy is upstream's, not istio-proxy. The direct peer of sidecars and gateways is of 127.0.0.0/8; addresses
// told by the PROXY protocol and destinations are free. Requests are HTTP/1.1, also where HTTP/2 is declared.
// Envoy does not tell which rule let a connection pass, and judges a connection at its first byte.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"waypost.dev/mesh/istio/inprocess"
)

func main() {
	h := &harness{istiods: &istiods{byKey: map[string]*istiod{}}}
	flag.StringVar(&h.bin, "envoy", "", "Envoy's program")
	flag.StringVar(&h.work, "work", "", "an empty folder for certificates, Envoy's configuration and its logs")
	flag.StringVar(&h.dump, "dump", "", "a folder for each case's listeners, as JSON")
	flag.StringVar(&h.traffic, "traffic", "", "a folder for the access log of each case, as its MeshConfig has it; requests go on to a backend then")
	flag.IntVar(&h.parallel, "parallel", 8, "requests in flight")
	flag.BoolVar(&h.seen, "seen", false, "tell what Envoy saw: addresses, principal, path")
	batch := flag.Int("batch", 200, "cases for one Envoy")
	flag.Parse()
	inprocess.Main("judge", func() error {
		if h.bin == "" || h.work == "" {
			return fmt.Errorf("-envoy and -work are needed")
		}
		if err := h.run(os.Stdin, os.Stdout, *batch); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, h.times())
		return nil
	})
}

// run answers all cases, some at a time.
func (h *harness) run(in io.Reader, out io.Writer, batch int) error {
	var err error
	if h.pki, err = newPKI(h.work); err != nil {
		return err
	}
	defer h.istiods.stop()
	if h.traffic != "" {
		if h.backend, err = startBackend(); err != nil {
			return err
		}
		defer h.backend.stop()
	}
	r, w := bufio.NewReaderSize(in, 1<<20), bufio.NewWriter(out)
	var cases []*Case
	for end := false; !end; {
		line, err := r.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		end = err == io.EOF
		if len(strings.TrimSpace(string(line))) > 0 {
			c := &Case{}
			if err := json.Unmarshal(line, c); err != nil {
				return fmt.Errorf("case: %w", err)
			}
			cases = append(cases, c)
		}
		if len(cases) == batch || end && len(cases) > 0 {
			if err := h.answer(cases, w); err != nil {
				return err
			}
			cases = nil
		}
	}
	return w.Flush()
}

func (h *harness) answer(cases []*Case, w io.Writer) error {
	results, err := h.batch(cases)
	if err != nil {
		return err
	}
	for _, res := range results {
		b, err := json.Marshal(res)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(b, '\n')); err != nil {
			return err
		}
	}
	return nil
}
