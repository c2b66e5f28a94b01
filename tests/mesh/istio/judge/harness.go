package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	"google.golang.org/protobuf/encoding/protojson"
)

// harness puts cases to Envoys, one for each batch.
type harness struct {
	bin, work, dump, traffic  string
	backend                   *backend // where traffic is logged
	pki                       *pki
	parallel                  int
	seen                      bool
	istiods                   *istiods
	nBatch, nCases, nRequests int
	tBuild, tStart, tRequests time.Duration
}

func (h *harness) times() string {
	return fmt.Sprintf("judge: %d cases, %d requests, %d istiods: listeners %.1fs, Envoy's start %.1fs, requests %.1fs",
		h.nCases, h.nRequests, len(h.istiods.byKey), h.tBuild.Seconds(), h.tStart.Seconds(), h.tRequests.Seconds())
}

// batch builds the listeners of all cases, starts one Envoy with them, and puts every request.
func (h *harness) batch(cases []*Case) ([]*CaseResult, error) {
	t0 := time.Now()
	h.nBatch++
	dir := filepath.Join(h.work, fmt.Sprintf("batch%d", h.nBatch))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	connections := filepath.Join(dir, "connections.log")
	results := make([]*CaseResult, len(cases))
	made := make([]*judged, len(cases))
	var ls []*listener.Listener
	var cs []*cluster.Cluster
	for i, c := range cases {
		results[i] = &CaseResult{ID: c.ID, Results: make([]Result, len(c.Requests))}
		m, err := h.listeners(listenerName(i), c, connections)
		if err != nil {
			results[i].Rejected = err.Error()
			continue
		}
		if err := h.dumpListeners(c, m.listeners); err != nil {
			return nil, err
		}
		made[i], results[i].Validation, results[i].Dropped = m, m.validation, m.dropped
		ls, cs = append(ls, m.listeners...), append(cs, m.clusters...)
	}
	if h.backend != nil {
		cs = append(cs, h.backend.clusters(made)...)
	}
	h.tBuild += time.Since(t0)

	t0 = time.Now()
	e, err := startEnvoy(h.bin, dir, ls, cs)
	if errors.Is(err, errEnded) {
		return h.split(cases, results, err)
	}
	if err != nil {
		return nil, err
	}
	defer e.stop()
	h.tStart += time.Since(t0)

	t0 = time.Now()
	keys := h.ask(e, cases, results, made)
	h.tRequests += time.Since(t0)
	if err := fromLog(connections, keys); err != nil {
		return nil, err
	}
	if h.traffic != "" {
		time.Sleep(flushed)
	}
	for i, c := range cases {
		for j := range results[i].Results {
			// An AUDIT rule leaves its id too; only an ALLOW rule lets a request pass.
			if r := &results[i].Results[j]; r.Verdict == "allow" && !made[i].allow[r.Policy] {
				r.Policy = ""
			}
		}
		h.nCases++
		h.nRequests += len(c.Requests)
		if !h.seen {
			for j := range results[i].Results {
				results[i].Results[j].Seen = nil
			}
		}
	}
	return results, nil
}

// judged is what Envoy gets for a case.
type judged struct {
	listeners  []*listener.Listener
	clusters   []*cluster.Cluster
	vips       map[string]string
	validation map[string]string
	dropped    []string
	allow      map[string]bool
	leads      map[string]bool // names of clusters that lead to the backend
}

func (h *harness) listeners(name string, c *Case, log string) (*judged, error) {
	b, err := h.istiods.build(c, h.pki.jwks())
	if err != nil {
		return nil, err
	}
	var own *traffic
	if h.traffic != "" {
		own = &traffic{log: filepath.Join(h.traffic, c.ID+".log"), routes: b.routes, clusters: map[string]bool{}}
	}
	s := &surgeon{traffic: own, certDir: h.work, log: log, sanCheck: c.Workload.SANCheck, dropped: map[string]bool{}, allow: map[string]bool{}}
	m := &judged{vips: b.vips, validation: b.validation, allow: s.allow}
	switch c.Workload.Kind {
	case "waypoint":
		m.listeners, m.clusters, err = s.waypoint(name, b.listeners, b.internal)
	case "gateway":
		m.listeners, err = s.gateway(name, b.listeners)
	case "sidecar":
		m.listeners, err = s.sidecar(name, b.listeners)
	default:
		err = fmt.Errorf("unknown kind of enforcement point %q", c.Workload.Kind)
	}
	if own != nil {
		m.leads = own.clusters
	}
	for n := range s.dropped {
		m.dropped = append(m.dropped, n)
	}
	sort.Strings(m.dropped)
	return m, err
}

// split finds the cases that kill Envoy, by halving the batch.
func (h *harness) split(cases []*Case, results []*CaseResult, err error) ([]*CaseResult, error) {
	if len(cases) > 1 {
		a, err := h.batch(cases[:len(cases)/2])
		if err != nil {
			return nil, err
		}
		b, err := h.batch(cases[len(cases)/2:])
		return append(a, b...), err
	}
	results[0].Rejected = err.Error()
	for j := range results[0].Results {
		results[0].Results[j] = Result{Verdict: "error", Details: "rejected"}
	}
	return results, nil
}

func listenerName(i int) string { return fmt.Sprintf("case%d", i) }

func (h *harness) dumpListeners(c *Case, ls []*listener.Listener) error {
	if h.dump == "" {
		return nil
	}
	if err := os.MkdirAll(h.dump, 0o755); err != nil {
		return err
	}
	for _, l := range ls {
		b, err := protojson.MarshalOptions{Multiline: true}.Marshal(l)
		if err != nil {
			return err
		}
		name := strings.NewReplacer("/", "_").Replace(c.ID + "." + l.Name + ".json")
		if err := os.WriteFile(filepath.Join(h.dump, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// ask puts all requests, several at a time, and returns the results that the access log must complete, by
// the key of their line.
func (h *harness) ask(e *envoy, cases []*Case, results []*CaseResult, made []*judged) map[string]*Result {
	type job struct{ i, j int }
	jobs := make(chan job)
	keys := map[string]*Result{}
	var ports atomic.Uint32
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range h.parallel {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for x := range jobs {
				c := cases[x.i]
				cl := &client{pki: h.pki, kind: c.Workload.Kind, addrs: e.addr, name: listenerName(x.i), vips: made[x.i].vips, ports: &ports}
				res, key := cl.do(&c.Requests[x.j])
				results[x.i].Results[x.j] = res
				if key != "" {
					mu.Lock()
					keys[key] = &results[x.i].Results[x.j]
					mu.Unlock()
				}
			}
		}()
	}
	for i, c := range cases {
		why := results[i].Rejected
		if made[i] != nil {
			for _, l := range made[i].listeners {
				if e.refused[l.Name] != "" {
					why = "envoy: " + e.refused[l.Name]
				}
			}
		}
		if why != "" {
			results[i].Rejected = why
			for j := range c.Requests {
				results[i].Results[j] = Result{Verdict: "error", Details: "rejected"}
			}
			continue
		}
		for j := range c.Requests {
			jobs <- job{i, j}
		}
	}
	close(jobs)
	wg.Wait()
	return keys
}

// fromLog completes results by their lines in the access log.
func fromLog(path string, keys map[string]*Result) error {
	if len(keys) == 0 {
		return nil
	}
	deadline := time.Now().Add(3 * time.Second)
	for {
		time.Sleep(120 * time.Millisecond)
		b, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		found := map[*Result]map[string]any{}
		for line := range strings.SplitSeq(string(b), "\n") {
			var m map[string]any
			if json.Unmarshal([]byte(line), &m) != nil {
				continue
			}
			str := func(k string) string { s, _ := m[k].(string); return s }
			if res := keys[str("name")+" "+str("remote")]; res != nil {
				found[res] = m
			}
		}
		if len(found) == len(keys) || time.Now().After(deadline) {
			for res, line := range found {
				res.complete(line)
			}
			return nil
		}
	}
}

// complete reads the verdict about a connection from its line in the access log.
func (r *Result) complete(line map[string]any) {
	str := func(k string) string { s, _ := line[k].(string); return s }
	r.Seen = map[string]string{}
	for _, k := range []string{"local", "remote", "direct", "san", "peer", "sni", "chain", "tls"} {
		if v := str(k); v != "" {
			r.Seen[k] = v
		}
	}
	if rbac, ok := line["rbac"].(map[string]any); ok {
		j, _ := json.Marshal(rbac)
		r.Metadata = string(j)
	}
	r.Asked = fromMetadata(r.Metadata, askedBy)
	details, code := str("details"), str("code")
	switch {
	case strings.HasPrefix(details, deniedBy):
		r.Details = details
		r.judge()
	case r.Verdict == "allow":
		r.Policy = fromMetadata(r.Metadata, enforced)
	case code == "filter_chain_not_found" || str("tls") != "":
		r.Verdict, r.Details = "refused", orElse(str("tls"), code)
	default:
		r.Verdict, r.Details = "error", fmt.Sprintf("%s (in the log: %q %q)", r.Details, details, code)
	}
}
