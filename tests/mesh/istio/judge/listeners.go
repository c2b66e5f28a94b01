package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	accesslog "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	rbacpb "github.com/envoyproxy/go-control-plane/envoy/config/rbac/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	fileal "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/file/v3"
	rbachttp "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	httpsfs "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/set_filter_state/v3"
	proxyproto "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/proxy_protocol/v3"
	echo "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/echo/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"istio.io/istio/pilot/pkg/util/protoconv"
	"istio.io/istio/pkg/wellknown"
)

// The changes made to istiod's listeners, and nothing else:
//   - the address is 127.0.0.1 with a port of Envoy's choice;
//   - original_dst (needs iptables) becomes proxy_protocol, which sets the destination the same way;
//   - certificates come from files instead of SDS; the trust domain check is optional (Workload.SANCheck);
//   - filters that exist in istio-proxy only are left out; istio.hashable_string becomes envoy.hashable_string;
//   - external authorizers are left out, as if they always said yes; the rule that would have asked is told;
//   - instead of a cluster behind it: HTTP answers 200 by itself, TCP echoes; where traffic is logged, the clusters
//     that istiod names lead to one backend (traffic.go), and istiod's own access logs are written to a file;
//   - every HTTP answer carries what Envoy knows about it in x-judge-* headers; connections write an access log.

type surgeon struct {
	certDir  string
	log      string   // of connections
	traffic  *traffic // where traffic is logged; nil where it is not
	sanCheck bool
	dropped  map[string]bool
	allow    map[string]bool // ids of the rules that are in ALLOW filters
}

// sidecar turns istiod's virtualInbound into a listener that can be driven from loopback.
func (s *surgeon) sidecar(name string, all []*listener.Listener) ([]*listener.Listener, error) {
	l := find(all, "virtualInbound")
	if l == nil {
		return nil, fmt.Errorf("istiod made no virtualInbound listener")
	}
	l = proto.Clone(l).(*listener.Listener)
	l.Name, l.StatPrefix = name, "t"
	l.Address, l.AdditionalAddresses = loopback(), nil
	l.ListenerFilters = swapOriginalDst(l.ListenerFilters)
	l.AccessLog = append(s.traffic.logs(l.AccessLog), s.accessLog(name))
	l.TrafficDirection = corev3.TrafficDirection_INBOUND
	return []*listener.Listener{l}, s.chains(l)
}

// waypoint turns connect_terminate and main_internal into a pair for one case.
func (s *surgeon) waypoint(name string, all []*listener.Listener, internal *cluster.Cluster) ([]*listener.Listener, []*cluster.Cluster, error) {
	outer, inner := find(all, "connect_terminate"), find(all, "main_internal")
	if outer == nil || inner == nil {
		return nil, nil, fmt.Errorf("istiod made no waypoint listeners")
	}
	outer, inner = proto.Clone(outer).(*listener.Listener), proto.Clone(inner).(*listener.Listener)
	outer.Name, outer.StatPrefix = name, "t"
	outer.Address, outer.AdditionalAddresses, outer.ConnectionBalanceConfig = loopback(), nil, nil
	outer.ListenerFilters = append([]*listener.ListenerFilter{proxyProtocol()}, outer.ListenerFilters...)
	outer.AccessLog = s.traffic.logs(outer.AccessLog)
	inner.Name = name + "_internal"
	inner.AccessLog = append(s.traffic.logs(inner.AccessLog), s.accessLog(name))
	if err := s.chains(inner); err != nil {
		return nil, nil, err
	}
	for _, fc := range outer.FilterChains {
		if err := s.transport(fc); err != nil {
			return nil, nil, err
		}
		for _, f := range fc.Filters {
			if err := edit(f, func(h *hcm.HttpConnectionManager) {
				h.HttpFilters = s.httpFilters(h.HttpFilters)
				for _, vh := range h.GetRouteConfig().GetVirtualHosts() {
					for _, r := range vh.Routes {
						if r.GetRoute().GetCluster() != "" {
							r.GetRoute().ClusterSpecifier = &route.RouteAction_Cluster{Cluster: inner.Name}
						}
					}
				}
				h.AccessLog, h.Tracing = s.traffic.logs(h.AccessLog), nil
			}); err != nil {
				return nil, nil, err
			}
		}
	}
	c := proto.Clone(internal).(*cluster.Cluster)
	c.Name, c.AltStatName, c.LoadAssignment.ClusterName = inner.Name, "t", inner.Name
	for _, e := range c.LoadAssignment.Endpoints {
		for _, lb := range e.LbEndpoints {
			if a := lb.GetEndpoint().GetAddress().GetEnvoyInternalAddress(); a != nil {
				a.AddressNameSpecifier = &corev3.EnvoyInternalAddress_ServerListenerName{ServerListenerName: inner.Name}
			}
		}
	}
	return []*listener.Listener{inner, outer}, []*cluster.Cluster{c}, nil
}

// gateway turns a gateway's listeners into ones that can be driven from loopback, each with its port in its name.
func (s *surgeon) gateway(name string, all []*listener.Listener) ([]*listener.Listener, error) {
	var out []*listener.Listener
	for _, l := range all {
		port := l.GetAddress().GetSocketAddress().GetPortValue()
		if l.TrafficDirection != corev3.TrafficDirection_OUTBOUND || port == 0 {
			continue
		}
		l = proto.Clone(l).(*listener.Listener)
		l.Name, l.StatPrefix = gatewayListener(name, int(port)), "t"
		l.Address, l.AdditionalAddresses = loopback(), nil
		l.ListenerFilters = append([]*listener.ListenerFilter{proxyProtocol()}, l.ListenerFilters...)
		l.AccessLog = append(s.traffic.logs(l.AccessLog), s.accessLog(l.Name))
		if err := s.chains(l); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("istiod made no listener for the gateway")
	}
	return out, nil
}

func gatewayListener(name string, port int) string { return fmt.Sprintf("%s_%d", name, port) }

func find(all []*listener.Listener, name string) *listener.Listener {
	for _, l := range all {
		if l.Name == name {
			return l
		}
	}
	return nil
}

func (s *surgeon) chains(l *listener.Listener) error {
	var keep []*listener.FilterChain
	for _, fc := range l.FilterChains {
		if strings.HasSuffix(fc.Name, "-blackhole") {
			continue // only for connections to 15006 itself
		}
		if err := s.transport(fc); err != nil {
			return err
		}
		if err := s.networkFilters(fc); err != nil {
			return err
		}
		keep = append(keep, fc)
	}
	l.FilterChains = keep
	return nil
}

func (s *surgeon) networkFilters(fc *listener.FilterChain) error {
	var keep []*listener.Filter
	for _, f := range fc.Filters {
		switch {
		case isIstios(f.GetTypedConfig()):
			s.dropped[f.Name] = true
			continue
		case f.Name == wellknown.ExternalAuthorization:
			continue // it says yes
		case f.Name == wellknown.HTTPConnectionManager:
			if err := edit(f, s.http); err != nil {
				return err
			}
		case f.Name == wellknown.TCPProxy && s.traffic != nil:
			if err := edit(f, s.traffic.tcp); err != nil {
				return err
			}
		case f.Name == wellknown.TCPProxy:
			f = &listener.Filter{Name: "envoy.filters.network.echo",
				ConfigType: &listener.Filter_TypedConfig{TypedConfig: protoconv.MessageToAny(&echo.Echo{})}}
		}
		keep = append(keep, f)
	}
	fc.Filters = keep
	return nil
}

func (s *surgeon) http(h *hcm.HttpConnectionManager) {
	h.HttpFilters = s.httpFilters(h.HttpFilters)
	h.AccessLog, h.Tracing = s.traffic.logs(h.AccessLog), nil
	if s.traffic != nil {
		s.traffic.routed(h)
	} else {
		h.RouteSpecifier = answering()
	}
	h.LocalReplyConfig = telling()
}

// answering is a route that says 200 by itself.
func answering() *hcm.HttpConnectionManager_RouteConfig {
	return &hcm.HttpConnectionManager_RouteConfig{RouteConfig: &route.RouteConfiguration{
		Name: "answer",
		VirtualHosts: []*route.VirtualHost{{Name: "answer", Domains: []string{"*"}, Routes: []*route.Route{{
			Match:  &route.RouteMatch{PathSpecifier: &route.RouteMatch_Prefix{Prefix: "/"}},
			Action: &route.Route_DirectResponse{DirectResponse: &route.DirectResponseAction{Status: 200}},
		}}}},
	}}
}

// telling puts what Envoy knows about an answer into its headers.
func telling() *hcm.LocalReplyConfig {
	var add []*corev3.HeaderValueOption
	for k, v := range seenHTTP {
		add = append(add, &corev3.HeaderValueOption{
			Header:         &corev3.HeaderValue{Key: seenHeader + k, Value: v},
			AppendAction:   corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
			KeepEmptyValue: true,
		})
	}
	sort.Slice(add, func(i, j int) bool { return add[i].Header.Key < add[j].Header.Key })
	return &hcm.LocalReplyConfig{Mappers: []*hcm.ResponseMapper{{
		Filter: &accesslog.AccessLogFilter{FilterSpecifier: &accesslog.AccessLogFilter_StatusCodeFilter{
			StatusCodeFilter: &accesslog.StatusCodeFilter{Comparison: &accesslog.ComparisonFilter{
				Op: accesslog.ComparisonFilter_GE, Value: &corev3.RuntimeUInt32{DefaultValue: 100, RuntimeKey: "judge.min"},
			}},
		}},
		HeadersToAdd: add,
	}}}
}

const seenHeader = "x-judge-"

// seenHTTP is what every HTTP answer tells, by the operators of Envoy's access log.
var seenHTTP = map[string]string{
	"details": "%RESPONSE_CODE_DETAILS%",
	"rbac":    "%DYNAMIC_METADATA(envoy.filters.http.rbac)%",
	"local":   "%DOWNSTREAM_LOCAL_ADDRESS%",
	"remote":  "%DOWNSTREAM_REMOTE_ADDRESS%",
	"direct":  "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
	"san":     "%DOWNSTREAM_PEER_URI_SAN%",
	"peer":    "%FILTER_STATE(io.istio.peer_principal:PLAIN)%",
	"sni":     "%REQUESTED_SERVER_NAME%",
	"path":    "%REQ(:PATH)%",
	"host":    "%REQ(:AUTHORITY)%",
}

// accessLog writes one JSON line per connection, found again by the listener's name and the peer's address and port.
func (s *surgeon) accessLog(name string) *accesslog.AccessLog {
	fields := map[string]any{
		"name":    name,
		"remote":  "%DOWNSTREAM_REMOTE_ADDRESS%",
		"direct":  "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
		"local":   "%DOWNSTREAM_LOCAL_ADDRESS%",
		"details": "%CONNECTION_TERMINATION_DETAILS%",
		"code":    "%RESPONSE_CODE_DETAILS%",
		"rbac":    "%DYNAMIC_METADATA(envoy.filters.network.rbac)%",
		"san":     "%DOWNSTREAM_PEER_URI_SAN%",
		"peer":    "%FILTER_STATE(io.istio.peer_principal:PLAIN)%",
		"sni":     "%REQUESTED_SERVER_NAME%",
		"chain":   "%FILTER_CHAIN_NAME%",
		"tls":     "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
	}
	st, err := structpb.NewStruct(fields)
	if err != nil {
		panic(err) // constant input
	}
	return &accesslog.AccessLog{Name: "envoy.access_loggers.file", ConfigType: &accesslog.AccessLog_TypedConfig{
		TypedConfig: protoconv.MessageToAny(&fileal.FileAccessLog{Path: s.log,
			AccessLogFormat: &fileal.FileAccessLog_LogFormat{LogFormat: &corev3.SubstitutionFormatString{
				Format: &corev3.SubstitutionFormatString_JsonFormat{JsonFormat: st},
			}}}),
	}}
}

func (s *surgeon) httpFilters(in []*hcm.HttpFilter) []*hcm.HttpFilter {
	var keep []*hcm.HttpFilter
	for _, f := range in {
		if isIstios(f.GetTypedConfig()) {
			s.dropped[f.Name] = true
			continue
		}
		if f.Name == wellknown.HTTPExternalAuthorization {
			continue // it says yes
		}
		rbac := &rbachttp.RBAC{}
		if f.GetTypedConfig().MessageIs(rbac) && f.GetTypedConfig().UnmarshalTo(rbac) == nil && rbac.GetRules().GetAction() == rbacpb.RBAC_ALLOW {
			for id := range rbac.GetRules().GetPolicies() {
				s.allow[id] = true
			}
		}
		sfs := &httpsfs.Config{}
		if f.GetTypedConfig().MessageIs(sfs) {
			f = proto.Clone(f).(*hcm.HttpFilter)
			_ = f.GetTypedConfig().UnmarshalTo(sfs)
			for _, v := range sfs.OnRequestHeaders {
				if v.FactoryKey == "istio.hashable_string" {
					v.FactoryKey = "envoy.hashable_string"
				}
			}
			f.ConfigType = &hcm.HttpFilter_TypedConfig{TypedConfig: protoconv.MessageToAny(sfs)}
		}
		keep = append(keep, f)
	}
	return keep
}

func (s *surgeon) transport(fc *listener.FilterChain) error {
	if fc.TransportSocket == nil {
		return nil
	}
	ctx := &tlsv3.DownstreamTlsContext{}
	if err := fc.TransportSocket.GetTypedConfig().UnmarshalTo(ctx); err != nil {
		return fmt.Errorf("transport socket of %s: %w", fc.Name, err)
	}
	file := func(n string) *corev3.DataSource {
		return &corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: filepath.Join(s.certDir, n)}}
	}
	common := ctx.CommonTlsContext
	common.TlsCertificateSdsSecretConfigs = nil
	common.TlsCertificates = []*tlsv3.TlsCertificate{{CertificateChain: file("crt.pem"), PrivateKey: file("key.pem")}}
	if common.ValidationContextType == nil {
		return seal(fc, ctx) // a gateway that asks for no certificate
	}
	ca := &tlsv3.CertificateValidationContext{TrustedCa: file("ca.pem")}
	if v := common.GetCombinedValidationContext().GetDefaultValidationContext(); v != nil && s.sanCheck {
		ca.MatchTypedSubjectAltNames = v.MatchTypedSubjectAltNames
		ca.MatchSubjectAltNames = v.MatchSubjectAltNames //nolint:staticcheck // istiod still writes it
	}
	common.ValidationContextType = &tlsv3.CommonTlsContext_ValidationContext{ValidationContext: ca}
	return seal(fc, ctx)
}

func seal(fc *listener.FilterChain, ctx *tlsv3.DownstreamTlsContext) error {
	fc.TransportSocket = &corev3.TransportSocket{Name: "envoy.transport_sockets.tls",
		ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: protoconv.MessageToAny(ctx)}}
	return nil
}

func edit[T proto.Message](f *listener.Filter, change func(T)) error {
	var zero T
	m := zero.ProtoReflect().New().Interface().(T)
	if err := f.GetTypedConfig().UnmarshalTo(m); err != nil {
		return fmt.Errorf("filter %s: %w", f.Name, err)
	}
	change(m)
	f.ConfigType = &listener.Filter_TypedConfig{TypedConfig: protoconv.MessageToAny(m)}
	return nil
}

// isIstios tells the filters that upstream's Envoy does not have.
func isIstios(a *anypb.Any) bool {
	return strings.HasPrefix(a.GetTypeUrl(), "type.googleapis.com/istio.envoy.") || strings.HasSuffix(a.GetTypeUrl(), "/udpa.type.v1.TypedStruct") || strings.HasSuffix(a.GetTypeUrl(), "/xds.type.v3.TypedStruct")
}

func loopback() *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: "127.0.0.1", PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 0},
	}}}
}

func proxyProtocol() *listener.ListenerFilter {
	return &listener.ListenerFilter{Name: "envoy.filters.listener.proxy_protocol",
		ConfigType: &listener.ListenerFilter_TypedConfig{TypedConfig: protoconv.MessageToAny(&proxyproto.ProxyProtocol{})}}
}

func swapOriginalDst(in []*listener.ListenerFilter) []*listener.ListenerFilter {
	out := []*listener.ListenerFilter{proxyProtocol()}
	for _, f := range in {
		if f.Name != wellknown.OriginalDestination {
			out = append(out, f)
		}
	}
	return out
}

// bootstrap is Envoy's static part: the admin port, internal listeners, and LDS and CDS from files.
func bootstrap(dir string, adminPort int) ([]byte, error) {
	path := func(n string) map[string]any {
		return map[string]any{"path_config_source": map[string]any{"path": filepath.Join(dir, n)}, "resource_api_version": "V3"}
	}
	return json.Marshal(map[string]any{
		"node": map[string]any{"id": "judge", "cluster": "judge"},
		"admin": map[string]any{"address": map[string]any{"socket_address": map[string]any{
			"address": "127.0.0.1", "port_value": adminPort}}},
		"dynamic_resources": map[string]any{"lds_config": path("lds.pb"), "cds_config": path("cds.pb")},
		"bootstrap_extensions": []any{map[string]any{"name": "envoy.bootstrap.internal_listener", "typed_config": map[string]any{
			"@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener"}}},
	})
}
