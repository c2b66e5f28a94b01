package main

import (
	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// transport is what a cluster speaks to one of its endpoints: the first socket whose criteria the endpoint's metadata meet, else
// the cluster's own (Envoy's `transport_socket_matches`).
func transport(of *cluster.Cluster, to *endpoint.LbEndpoint) string {
	metadata := to.GetMetadata().GetFilterMetadata()["envoy.transport_socket_match"].GetFields()
	for _, match := range of.GetTransportSocketMatches() {
		if meets(metadata, match.GetMatch().GetFields()) {
			return word(match.GetTransportSocket())
		}
	}
	return word(of.GetTransportSocket())
}

func meets(metadata, criteria map[string]*structpb.Value) bool {
	for key, wanted := range criteria {
		own := metadata[key]
		if own == nil || own.GetStringValue() != wanted.GetStringValue() {
			return false
		}
	}
	return true
}

func word(socket *core.TransportSocket) string {
	switch socket.GetName() {
	case "", "envoy.transport_sockets.raw_buffer":
		return "plain"
	case "envoy.transport_sockets.internal_upstream":
		return "hbone"
	}
	context := &tls.UpstreamTlsContext{}
	if err := socket.GetTypedConfig().UnmarshalTo(context); err != nil {
		return socket.GetName()
	}
	// the workload's own certificate, by SDS
	for _, own := range context.GetCommonTlsContext().GetTlsCertificateSdsSecretConfigs() {
		if own.GetName() == "default" {
			return "mtls"
		}
	}
	return "tls"
}
