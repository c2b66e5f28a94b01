package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"time"

	accesslog "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpproxy "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"waypost.dev/mesh/istio/inprocess"
)

const (
	viaUpstream = "via_upstream"
	// flushed is longer than Envoy keeps lines of an access log.
	flushed = 500 * time.Millisecond
)

// traffic is how the requests of one case are logged: by the access logs that istiod configures, with the
// names of the clusters that it chooses.
type traffic struct {
	log      string
	routes   map[string]*route.RouteConfiguration
	clusters map[string]bool
}

// logs are istiod's own, in a file of the case.
func (t *traffic) logs(in []*accesslog.AccessLog) []*accesslog.AccessLog {
	if t == nil {
		return nil
	}
	return inprocess.AccessLogs(in, t.log)
}

// tcp notes where a connection goes.
func (t *traffic) tcp(p *tcpproxy.TcpProxy) {
	p.AccessLog = t.logs(p.AccessLog)
	if p.GetCluster() != "" {
		t.clusters[p.GetCluster()] = true
	}
	for _, w := range p.GetWeightedClusters().GetClusters() {
		t.clusters[w.Name] = true
	}
}

// routed notes where requests go, and puts routes that would come by RDS in place.
func (t *traffic) routed(h *hcm.HttpConnectionManager) {
	if name := h.GetRds().GetRouteConfigName(); name != "" {
		h.RouteSpecifier = &hcm.HttpConnectionManager_RouteConfig{RouteConfig: t.routes[name]}
	}
	for _, vh := range h.GetRouteConfig().GetVirtualHosts() {
		vh.TypedPerFilterConfig = nil // of istio-proxy's filters
		for _, r := range vh.Routes {
			r.TypedPerFilterConfig = nil
			if to := r.GetRoute(); to.GetCluster() != "" {
				t.clusters[to.GetCluster()] = true
			}
			for _, w := range r.GetRoute().GetWeightedClusters().GetClusters() {
				t.clusters[w.Name] = true
			}
		}
	}
}

// backend is behind all clusters: it answers HTTP/1 with 200, and echoes everything else.
type backend struct{ listener net.Listener }

func startBackend() (*backend, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &backend{listener: l}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return b, nil
}

func (b *backend) stop() { _ = b.listener.Close() }

func serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	head, err := in.Peek(4)
	if err != nil {
		return
	}
	// a method; neither a TLS hello nor what the client says over TCP
	if head[0] < 'A' || head[0] > 'Z' || string(head) == "PRI " {
		_, _ = io.Copy(conn, in)
		return
	}
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if _, err := fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%sdetails: %s\r\ncontent-length: 0\r\n\r\n", seenHeader, viaUpstream); err != nil {
			return
		}
	}
}

// clusters are all that lead here.
func (b *backend) clusters(made []*judged) []*cluster.Cluster {
	names := map[string]bool{}
	for _, m := range made {
		if m != nil {
			for n := range m.leads {
				names[n] = true
			}
		}
	}
	var out []*cluster.Cluster
	at := b.listener.Addr().(*net.TCPAddr)
	for n := range names {
		out = append(out, &cluster.Cluster{
			Name: n, ConnectTimeout: durationpb.New(patience),
			ClusterDiscoveryType: &cluster.Cluster_Type{Type: cluster.Cluster_STATIC},
			LoadAssignment: &endpoint.ClusterLoadAssignment{ClusterName: n, Endpoints: []*endpoint.LocalityLbEndpoints{{
				LbEndpoints: []*endpoint.LbEndpoint{{HostIdentifier: &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{
					Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
						Address: at.IP.String(), PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(at.Port)},
					}}},
				}}}},
			}}},
		})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
