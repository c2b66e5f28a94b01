package inprocess

import (
	"fmt"
	"strings"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/test"
)

// Mesh is all that istiod knows in a case.
type Mesh struct {
	ID string `json:"id"`
	// Objects, as YAML documents.
	Objects string `json:"objects"`
	// Config is a MeshConfig, as YAML.
	Config string `json:"mesh"`
}

// Pod is a pod that istiod configures a sidecar for, where it has one.
type Pod struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	IP        string            `json:"ip"`
	// HBONE is what the injector writes where ambient mode is on.
	HBONE bool `json:"hbone"`
	// Version of the proxy.
	Version string `json:"version"`
}

// Ask is a connection that an application opens, after DNS.
type Ask struct {
	// Client is an index.
	Client  int    `json:"client"`
	Address string `json:"address"`
	Port    int    `json:"port"`
	// Host is the authority of the HTTP request; a connection without one is bytes.
	Host string `json:"host,omitempty"`
}

// Answers to a case.
type Answers[A any] struct {
	ID      string `json:"id"`
	Answers []A    `json:"answers,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Answer asks an istiod of the mesh's own (Istio's FakeDiscoveryServer), which ends with the answers.
func Answer[A any](m *Mesh, ask func(*xds.FakeDiscoveryServer) ([]A, error)) Answers[A] {
	out := Answers[A]{ID: m.ID}
	config, err := mesh.ApplyMeshConfigDefaults(m.Config)
	if err != nil {
		out.Error = fmt.Sprintf("mesh config: %v", err)
		return out
	}
	err = test.Wrap(func(t test.Failer) {
		server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
			ConfigString: m.Objects, KubernetesObjectString: m.Objects, MeshConfig: config,
		})
		server.EnsureSynced(t)
		answers, err := ask(server)
		if err != nil {
			out.Error = err.Error()
			return
		}
		out.Answers = answers
	})
	if err != nil {
		// it names the object that it does not take, and then prints it
		why, _, _ := strings.Cut(fmt.Sprint(err), ": {\"apiVersion")
		out.Error = "istiod: " + why
	}
	return out
}

// Sidecar is a pod's proxy, as istiod knows it.
func (p *Pod) Sidecar(server *xds.FakeDiscoveryServer) *model.Proxy {
	return server.SetupProxy(&model.Proxy{
		Type:            model.SidecarProxy,
		ID:              p.Name + "." + p.Namespace,
		ConfigNamespace: p.Namespace,
		Labels:          p.Labels,
		IPAddresses:     []string{p.IP},
		Metadata: &model.NodeMetadata{
			IstioVersion: p.Version, Namespace: p.Namespace, Labels: p.Labels, ClusterID: "Kubernetes",
			EnableHBONE: model.StringBool(p.HBONE),
		},
	})
}
