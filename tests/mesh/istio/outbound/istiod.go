package main

import (
	"net"
	"strconv"
	"testing"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"

	"istio.io/istio/pilot/pkg/simulation"
	"istio.io/istio/pilot/test/xds"

	"waypost.dev/mesh/istio/inprocess"
)

// answer asks an istiod of the case's own.
func answer(c *Case) inprocess.Answers[Answer] {
	return inprocess.Answer(&c.Mesh, func(server *xds.FakeDiscoveryServer) ([]Answer, error) {
		sidecars := make([]*sidecar, len(c.Clients))
		for i := range c.Clients {
			sidecars[i] = newSidecar(server, &c.Clients[i])
		}
		answers := make([]Answer, len(c.Asks))
		for i := range c.Asks {
			answers[i] = sidecars[c.Asks[i].Client].send(&c.Asks[i])
		}
		return answers, nil
	})
}

// sidecar is what a client's Envoy is told.
type sidecar struct {
	simulation *simulation.Simulation
	clusters   map[string]*cluster.Cluster
	endpoints  map[string]*endpoint.ClusterLoadAssignment
}

func newSidecar(server *xds.FakeDiscoveryServer, of *inprocess.Pod) *sidecar {
	proxy := of.Sidecar(server)
	made := &sidecar{
		simulation: simulation.NewSimulation(new(testing.T), server, proxy),
		clusters:   map[string]*cluster.Cluster{},
		endpoints:  map[string]*endpoint.ClusterLoadAssignment{},
	}
	for _, own := range made.simulation.Clusters {
		made.clusters[own.Name] = own
	}
	for _, own := range server.Endpoints(proxy) {
		made.endpoints[own.ClusterName] = own
	}
	return made
}

func (s *sidecar) send(ask *inprocess.Ask) Answer {
	call := simulation.Call{Address: ask.Address, Port: ask.Port, Protocol: simulation.TCP, CallMode: simulation.CallModeOutbound}
	if ask.Host != "" {
		call.Protocol, call.HostHeader = simulation.HTTP, ask.Host
	}
	result := s.simulation.Run(call)
	out := Answer{Cluster: result.ClusterMatched, Sends: map[string]string{}}
	if result.Error != nil {
		out.Error = result.Error.Error()
		return out
	}
	own := s.clusters[result.ClusterMatched]
	if own == nil {
		// a route without a cluster of its own answers itself: `block_all`
		return out
	}
	out.Type = own.GetType().String()
	switch own.GetType() {
	case cluster.Cluster_ORIGINAL_DST:
		out.Sends[net.JoinHostPort(ask.Address, strconv.Itoa(ask.Port))] = transport(own, nil)
	case cluster.Cluster_EDS:
		name := own.GetEdsClusterConfig().GetServiceName()
		if name == "" {
			name = own.Name
		}
		each(s.endpoints[name], own, out.Sends)
	default:
		// BlackHoleCluster is STATIC and has no endpoint
		each(own.GetLoadAssignment(), own, out.Sends)
	}
	return out
}

func each(assignment *endpoint.ClusterLoadAssignment, of *cluster.Cluster, into map[string]string) {
	for _, locality := range assignment.GetEndpoints() {
		for _, e := range locality.GetLbEndpoints() {
			into[address(e)] = transport(of, e)
		}
	}
}

// address of an endpoint; one that is reached through a tunnel names it in its identifier.
func address(e *endpoint.LbEndpoint) string {
	at := e.GetEndpoint().GetAddress()
	if inner := at.GetEnvoyInternalAddress(); inner != nil {
		return inner.GetEndpointId()
	}
	socket := at.GetSocketAddress()
	return net.JoinHostPort(socket.GetAddress(), strconv.Itoa(int(socket.GetPortValue())))
}
