package main

import (
	"fmt"
	"net"
	"strings"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	filterstate "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/common/set_filter_state/v3"
	httpfs "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/set_filter_state/v3"
	proxyproto "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/proxy_protocol/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	networkfs "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/set_filter_state/v3"
	tcpproxy "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"istio.io/istio/pilot/pkg/util/protoconv"
	"istio.io/istio/pkg/wellknown"

	"waypost.dev/mesh/istio/inprocess"
)

// The changes made to what istiod tells a sidecar, and nothing else:
//   - the outbound listener is at the pod's address, and the PROXY protocol says the destination instead of original_dst (which
//     needs iptables); the inbound one is at each port of the pod's address;
//   - routes and endpoints stand in their listeners and clusters; certificates are in the bootstrap;
//   - clusters of the inbound side lead to the pod's application;
//   - connections to others come from the pod's own address, as they do in a network of its own; access logs are a file of it;
//   - filters that exist in istio-proxy only and traces are left out; what is kept for those is a plain text; the one that
//     names protocols in TLS is done with Envoy's own means.

// told is what istiod tells one Envoy.
type told struct {
	listeners []*listener.Listener
	clusters  []*cluster.Cluster
	routes    map[string]*route.RouteConfiguration
	endpoints map[string]*endpoint.ClusterLoadAssignment
	// byName are the clusters.
	byName map[string]*cluster.Cluster
	// app is where the pod's application is.
	app string
	// log is the file that its requests are logged to.
	log string
}

// sidecar makes of it what an Envoy on loopback can carry out.
func (t *told) sidecar(pod *Pod) ([]*listener.Listener, []*cluster.Cluster, error) {
	var ls []*listener.Listener
	for _, l := range t.listeners {
		l = proto.Clone(l).(*listener.Listener)
		l.AccessLog = inprocess.AccessLogs(l.AccessLog, t.log)
		for _, chain := range append(l.FilterChains, l.GetDefaultFilterChain()) {
			if err := t.chain(chain); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", l.Name, err)
			}
		}
		switch l.Name {
		case "virtualOutbound":
			l.Address, l.AdditionalAddresses = at(pod.IP, 15001), nil
			first := &listener.ListenerFilter{Name: "envoy.filters.listener.proxy_protocol",
				ConfigType: &listener.ListenerFilter_TypedConfig{TypedConfig: protoconv.MessageToAny(&proxyproto.ProxyProtocol{})}}
			l.ListenerFilters = append([]*listener.ListenerFilter{first}, without(l.ListenerFilters)...)
		case "virtualInbound":
			l.ListenerFilters, l.UseOriginalDst = without(l.ListenerFilters), nil
			for _, port := range pod.Ports {
				own := proto.Clone(l).(*listener.Listener)
				own.Name = fmt.Sprintf("virtualInbound-%d", port)
				own.Address, own.AdditionalAddresses = at(pod.IP, port), nil
				ls = append(ls, own)
			}
			continue
		}
		ls = append(ls, l)
	}
	var cs []*cluster.Cluster
	for _, c := range t.clusters {
		own, err := t.cluster(proto.Clone(c).(*cluster.Cluster), pod.IP)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		cs = append(cs, own)
	}
	return ls, cs, nil
}

func at(ip string, port int) *core.Address {
	return &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
		Address: ip, PortSpecifier: &core.SocketAddress_PortValue{PortValue: uint32(port)},
	}}}
}

func without(in []*listener.ListenerFilter) (out []*listener.ListenerFilter) {
	for _, f := range in {
		if f.Name != wellknown.OriginalDestination && !isIstios(f.GetTypedConfig()) {
			out = append(out, f)
		}
	}
	return out
}

func (t *told) chain(chain *listener.FilterChain) error {
	if chain == nil {
		return nil
	}
	if err := certificates(chain.TransportSocket); err != nil {
		return err
	}
	var keep []*listener.Filter
	for _, f := range chain.Filters {
		if isIstios(f.GetTypedConfig()) {
			continue
		}
		state := &networkfs.Config{}
		if own := f.GetTypedConfig(); own.MessageIs(state) && own.UnmarshalTo(state) == nil {
			asText(state.OnNewConnection)
			f.ConfigType = &listener.Filter_TypedConfig{TypedConfig: protoconv.MessageToAny(state)}
		}
		if bytes := (&tcpproxy.TcpProxy{}); f.GetTypedConfig().MessageIs(bytes) && f.GetTypedConfig().UnmarshalTo(bytes) == nil {
			bytes.AccessLog = inprocess.AccessLogs(bytes.AccessLog, t.log)
			f.ConfigType = &listener.Filter_TypedConfig{TypedConfig: protoconv.MessageToAny(bytes)}
		}
		if f.Name == wellknown.HTTPConnectionManager {
			h := &hcm.HttpConnectionManager{}
			if err := f.GetTypedConfig().UnmarshalTo(h); err != nil {
				return err
			}
			t.http(h)
			f.ConfigType = &listener.Filter_TypedConfig{TypedConfig: protoconv.MessageToAny(h)}
		}
		keep = append(keep, f)
	}
	chain.Filters = keep
	return nil
}

func (t *told) http(h *hcm.HttpConnectionManager) {
	h.AccessLog = inprocess.AccessLogs(h.AccessLog, t.log)
	h.Tracing, h.HttpFilters = nil, upstreams(h.HttpFilters)
	routes := h.GetRouteConfig()
	if named := h.GetRds(); named != nil {
		routes = t.routes[named.RouteConfigName]
	}
	if routes == nil {
		return
	}
	routes = proto.Clone(routes).(*route.RouteConfiguration)
	routes.ValidateClusters = nil
	for _, host := range routes.VirtualHosts {
		for _, r := range host.Routes {
			t.names(r)
			for name, own := range r.TypedPerFilterConfig {
				if isIstios(own) {
					delete(r.TypedPerFilterConfig, name)
				}
			}
		}
	}
	h.RouteSpecifier = &hcm.HttpConnectionManager_RouteConfig{RouteConfig: routes}
}

func upstreams(in []*hcm.HttpFilter) (out []*hcm.HttpFilter) {
	for _, f := range in {
		state := &httpfs.Config{}
		switch own := f.GetTypedConfig(); {
		case f.Name == alpn:
			// by route, as `names` says
			f = &hcm.HttpFilter{Name: alpn, ConfigType: &hcm.HttpFilter_TypedConfig{TypedConfig: protoconv.MessageToAny(state)}}
		case isIstios(own):
			continue
		case own.MessageIs(state) && own.UnmarshalTo(state) == nil:
			asText(state.OnRequestHeaders)
			f = &hcm.HttpFilter{Name: f.Name, ConfigType: &hcm.HttpFilter_TypedConfig{TypedConfig: protoconv.MessageToAny(state)}}
		}
		out = append(out, f)
	}
	return out
}

// alpn is istio-proxy's filter that says in the TLS hello what is spoken.
const alpn = "istio.alpn"

// names does what that filter does (istio/proxy: source/extensions/filters/http/alpn): unless the user gives other TLS settings, the
// names of Istio go before those of the protocol.
func (t *told) names(r *route.Route) {
	own := t.byName[r.GetRoute().GetCluster()]
	if own == nil || own.GetMetadata().GetFilterMetadata()["istio"].GetFields()["alpn_override"].GetStringValue() == "false" {
		return
	}
	words := "istio-http/1.1,istio,http/1.1"
	options := &httpv3.HttpProtocolOptions{}
	for _, of := range own.TypedExtensionProtocolOptions {
		if of.MessageIs(options) && of.UnmarshalTo(options) == nil && options.GetExplicitHttpConfig().GetHttp2ProtocolOptions() != nil {
			words = "istio-h2,istio,h2"
		}
	}
	if r.TypedPerFilterConfig == nil {
		r.TypedPerFilterConfig = map[string]*anypb.Any{}
	}
	r.TypedPerFilterConfig[alpn] = protoconv.MessageToAny(&httpfs.Config{OnRequestHeaders: []*filterstate.FilterStateValue{{
		Key: &filterstate.FilterStateValue_ObjectKey{ObjectKey: "envoy.network.application_protocols"},
		Value: &filterstate.FilterStateValue_FormatString{FormatString: &core.SubstitutionFormatString{
			Format: &core.SubstitutionFormatString_TextFormatSource{TextFormatSource: &core.DataSource{
				Specifier: &core.DataSource_InlineString{InlineString: words},
			}},
		}},
	}}})
}

// asText keeps as a text what only istio-proxy has a kind for.
func asText(values []*filterstate.FilterStateValue) {
	for _, v := range values {
		if v.FactoryKey == "istio.hashable_string" {
			v.FactoryKey = "envoy.hashable_string"
		}
		if v.FactoryKey == "" && strings.HasPrefix(v.GetObjectKey(), "io.istio.") {
			v.FactoryKey = "envoy.string"
		}
	}
}

func (t *told) cluster(c *cluster.Cluster, from string) (*cluster.Cluster, error) {
	c.Filters = nil
	if strings.HasPrefix(c.Name, "inbound|") || strings.HasPrefix(c.Name, "InboundPassthroughCluster") {
		c.UpstreamBindConfig, c.TransportSocket, c.TransportSocketMatches = nil, nil, nil
		c.ClusterDiscoveryType = &cluster.Cluster_Type{Type: cluster.Cluster_STATIC}
		c.LbPolicy, c.LbConfig, c.LoadBalancingPolicy = cluster.Cluster_ROUND_ROBIN, nil, nil
		host, port, err := net.SplitHostPort(t.app)
		if err != nil {
			return nil, err
		}
		number, err := net.LookupPort("tcp", port)
		c.LoadAssignment = &endpoint.ClusterLoadAssignment{ClusterName: c.Name, Endpoints: []*endpoint.LocalityLbEndpoints{{
			LbEndpoints: []*endpoint.LbEndpoint{{HostIdentifier: &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{Address: at(host, number)}}}},
		}}}
		return c, err
	}
	c.UpstreamBindConfig = &core.BindConfig{SourceAddress: at(from, 0).GetSocketAddress()}
	if c.GetType() == cluster.Cluster_EDS {
		name := c.GetEdsClusterConfig().GetServiceName()
		if name == "" {
			name = c.Name
		}
		c.ClusterDiscoveryType, c.EdsClusterConfig = &cluster.Cluster_Type{Type: cluster.Cluster_STATIC}, nil
		c.LoadAssignment = &endpoint.ClusterLoadAssignment{ClusterName: c.Name}
		if own := t.endpoints[name]; own != nil {
			c.LoadAssignment = proto.Clone(own).(*endpoint.ClusterLoadAssignment)
		}
	}
	sockets := []*core.TransportSocket{c.TransportSocket}
	for _, match := range c.TransportSocketMatches {
		sockets = append(sockets, match.TransportSocket)
	}
	for _, socket := range sockets {
		if err := certificates(socket); err != nil {
			return nil, err
		}
	}
	for name, own := range c.TypedExtensionProtocolOptions {
		options := &httpv3.HttpProtocolOptions{}
		if own.MessageIs(options) && own.UnmarshalTo(options) == nil {
			options.HttpFilters = upstreams(options.HttpFilters)
			c.TypedExtensionProtocolOptions[name] = protoconv.MessageToAny(options)
		}
	}
	return c, nil
}

// certificates takes those of the bootstrap.
func certificates(socket *core.TransportSocket) error {
	up, down := &tls.UpstreamTlsContext{}, &tls.DownstreamTlsContext{}
	switch own := socket.GetTypedConfig(); {
	case own.MessageIs(up):
		if err := own.UnmarshalTo(up); err != nil {
			return err
		}
		inBootstrap(up.CommonTlsContext)
		socket.ConfigType = &core.TransportSocket_TypedConfig{TypedConfig: protoconv.MessageToAny(up)}
	case own.MessageIs(down):
		if err := own.UnmarshalTo(down); err != nil {
			return err
		}
		inBootstrap(down.CommonTlsContext)
		socket.ConfigType = &core.TransportSocket_TypedConfig{TypedConfig: protoconv.MessageToAny(down)}
	}
	return nil
}

func inBootstrap(of *tls.CommonTlsContext) {
	for _, own := range of.GetTlsCertificateSdsSecretConfigs() {
		own.SdsConfig = nil
	}
	if own := of.GetCombinedValidationContext().GetValidationContextSdsSecretConfig(); own != nil {
		own.SdsConfig = nil
	}
	if own := of.GetValidationContextSdsSecretConfig(); own != nil {
		own.SdsConfig = nil
	}
}

// isIstios tells the filters that upstream's Envoy does not have.
func isIstios(a *anypb.Any) bool {
	url := a.GetTypeUrl()
	return strings.HasPrefix(url, "type.googleapis.com/istio.envoy.") || strings.HasSuffix(url, "/udpa.type.v1.TypedStruct") || strings.HasSuffix(url, "/xds.type.v3.TypedStruct")
}
