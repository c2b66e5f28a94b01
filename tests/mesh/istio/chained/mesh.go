package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"istio.io/istio/pilot/pkg/simulation"
	"istio.io/istio/pilot/test/xds"

	"waypost.dev/mesh/istio/inprocess"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
)

// answer lets a mesh live for as long as it is asked.
func answer(c *Case, keys *pki, program, work string) inprocess.Answers[Answer] {
	return inprocess.Answer(&c.Mesh, func(server *xds.FakeDiscoveryServer) ([]Answer, error) {
		own := &alive{whole: c, keys: keys, program: program, folder: filepath.Join(work, c.ID)}
		defer own.end()
		if err := own.start(server); err != nil {
			return nil, err
		}
		answers := make([]Answer, len(c.Asks))
		for i := range c.Asks {
			answers[i] = own.ask(&c.Asks[i])
		}
		time.Sleep(flushed)
		return answers, nil
	})
}

// alive is a mesh of processes and listeners.
type alive struct {
	whole           *Case
	keys            *pki
	program, folder string
	hits            hits
	listeners       []net.Listener
	envoys          []*envoy
}

func (m *alive) start(server *xds.FakeDiscoveryServer) error {
	for _, s := range m.whole.Services {
		for port, to := range s.To {
			if err := m.keep(relay(net.JoinHostPort(s.IP, strconv.Itoa(port)), to)); err != nil {
				return err
			}
		}
	}
	for i := range m.whole.Pods {
		pod := &m.whole.Pods[i]
		name := pod.Namespace + "/" + pod.Name
		open := pod.Open
		if pod.Mode == "plain" {
			open = append(open, pod.Ports...)
		}
		for _, port := range open {
			if err := m.keep(serve(net.JoinHostPort(pod.IP, strconv.Itoa(port)), name, &m.hits)); err != nil {
				return err
			}
		}
		if pod.Mode == "plain" {
			continue
		}
		app, err := serve("127.0.0.1:0", name, &m.hits)
		if err := m.keep(app, err); err != nil {
			return err
		}
		if err := m.sidecar(server, pod, app.Addr().String()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, e := range m.envoys {
		if err := e.wait(); err != nil {
			return err
		}
	}
	return nil
}

func (m *alive) keep(l net.Listener, err error) error {
	if err == nil {
		m.listeners = append(m.listeners, l)
	}
	return err
}

func (m *alive) sidecar(server *xds.FakeDiscoveryServer, pod *Pod, app string) error {
	proxy := pod.Sidecar(server)
	made := simulation.NewSimulation(new(testing.T), server, proxy)
	folder := filepath.Join(m.folder, pod.Namespace+"-"+pod.Name)
	t := &told{listeners: made.Listeners, clusters: made.Clusters, app: app, log: filepath.Join(folder, "access.log"),
		routes: map[string]*route.RouteConfiguration{}, endpoints: map[string]*endpoint.ClusterLoadAssignment{},
		byName: map[string]*cluster.Cluster{}}
	for _, own := range made.Clusters {
		t.byName[own.Name] = own
	}
	for _, own := range made.Routes {
		t.routes[own.Name] = own
	}
	for _, own := range server.Endpoints(proxy) {
		t.endpoints[own.ClusterName] = own
	}
	ls, cs, err := t.sidecar(pod)
	if err != nil {
		return err
	}
	secrets, err := m.keys.secrets(pod.Namespace, pod.Labels["app"])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	e, err := startEnvoy(m.program, folder, 20000+len(m.envoys), ls, cs, secrets)
	if err == nil {
		m.envoys = append(m.envoys, e)
	}
	return err
}

func (m *alive) ask(a *Ask) Answer {
	m.hits.take()
	out := Answer{Ended: []Hit{}, Said: ask(a, &m.whole.Clients[a.Client])}
	// the client may be told of an end before the application has written down that it was reached
	for range 3 {
		out.Ended = append(out.Ended, m.hits.take()...)
		if len(out.Ended) > 0 {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	return out
}

func (m *alive) end() {
	for _, l := range m.listeners {
		l.Close()
	}
	for _, e := range m.envoys {
		e.stop()
	}
}

// flushed is longer than Envoy keeps lines of an access log.
const flushed = 500 * time.Millisecond

var errEnded = errors.New("envoy ended")
