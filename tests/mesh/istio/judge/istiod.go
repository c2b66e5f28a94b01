package main

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"sigs.k8s.io/yaml"

	securityapi "istio.io/api/security/v1beta1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/core"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/test"
)

const (
	ownIP        = "10.254.0.1" // of the pod that is asked
	waypointPod  = "10.255.0.1"
	gatewayLabel = "gateway.networking.k8s.io/gateway-name"
	managedLabel = "gateway.istio.io/managed"
)

// istiods are in-process istiods (Istio's own FakeDiscoveryServer), one per mesh config and set of services.
// A case's policies go into its config store, the listeners come out, and the policies are removed again.
type istiods struct {
	byKey map[string]*istiod
}

type istiod struct {
	server *xds.FakeDiscoveryServer
	vips   map[string]string // "namespace/name" of a Service or ServiceEntry -> its address
	done   chan struct{}
	mu     sync.Mutex
}

// built is what istiod made for one case.
type built struct {
	listeners  []*listener.Listener
	internal   *cluster.Cluster // waypoint: the cluster that leads to main_internal
	vips       map[string]string
	validation map[string]string
	routes     map[string]*route.RouteConfiguration // gateway: by name
}

func (s *istiods) build(c *Case, jwks string) (b *built, err error) {
	policies, rest, vips, err := splitObjects(c)
	if err != nil {
		return nil, err
	}
	key := c.Mesh + "\x00" + strings.Join(rest, "\n---\n")
	d := s.byKey[key]
	if d == nil {
		if d, err = start(c.Mesh, strings.Join(rest, "\n---\n")); err != nil {
			return nil, err
		}
		d.vips = vips
		s.byKey[key] = d
	}
	return d.build(c, policies, jwks)
}

// stop ends the in-process istiods.
func (s *istiods) stop() {
	for _, d := range s.byKey {
		close(d.done)
	}
}

// start runs a fake discovery server in a goroutine of its own, for as long as it is needed.
func start(meshYAML, objects string) (*istiod, error) {
	m, err := mesh.ApplyMeshConfigDefaults(meshYAML)
	if err != nil {
		return nil, fmt.Errorf("mesh config: %w", err)
	}
	d := &istiod{done: make(chan struct{})}
	ready, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		failed <- test.Wrap(func(t test.Failer) {
			d.server = xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
				ConfigString: objects, KubernetesObjectString: objects, MeshConfig: m,
			})
			close(ready)
			<-d.done
		})
	}()
	select {
	case <-ready:
		return d, nil
	case err := <-failed:
		return nil, fmt.Errorf("istiod: %w", err)
	}
}

func (d *istiod) build(c *Case, policies []string, jwks string) (b *built, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("istiod panicked: %v", r)
		}
	}()
	configs, err := parse(policies)
	if err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	b = &built{vips: d.vips, validation: map[string]string{}}
	now := time.Now()
	for i := range configs {
		cfg := configs[i]
		if cfg.Namespace == "" {
			cfg.Namespace = "default"
		}
		if cfg.CreationTimestamp.IsZero() {
			cfg.CreationTimestamp = now
		}
		validate(b.validation, cfg)
		if ra, ok := cfg.Spec.(*securityapi.RequestAuthentication); ok {
			for _, r := range ra.JwtRules {
				r.JwksUri, r.Jwks = "", jwks
			}
		}
		if _, err := d.server.Store().Create(cfg); err != nil {
			return nil, fmt.Errorf("store %s/%s: %w", cfg.Namespace, cfg.Name, err)
		}
		defer func() { _ = d.server.Store().Delete(cfg.GroupVersionKind, cfg.Name, cfg.Namespace, nil) }()
	}
	push := model.NewPushContext()
	push.InitContext(d.server.Env(), nil, nil)
	proxy := d.proxy(c)
	proxy.SetSidecarScope(push)
	proxy.SetServiceTargets(d.server.Env().ServiceDiscovery)
	proxy.SetGatewaysForProxy(push)
	// all istiods of a process share what they made of the last mesh's access log
	d.server.ConfigGen.MeshConfigChanged(push.Mesh)
	b.listeners = d.server.ConfigGen.BuildListeners(proxy, push)
	switch c.Workload.Kind {
	case "waypoint":
		b.internal = core.GetMainInternalCluster()
	case "gateway":
		b.routes, err = d.routes(proxy, push, b.listeners)
	}
	return b, err
}

// routes are those that a gateway's listeners ask for.
func (d *istiod) routes(proxy *model.Proxy, push *model.PushContext, ls []*listener.Listener) (map[string]*route.RouteConfiguration, error) {
	var names []string
	for _, l := range ls {
		for _, fc := range l.FilterChains {
			for _, f := range fc.Filters {
				h := &hcm.HttpConnectionManager{}
				if f.GetTypedConfig().MessageIs(h) && f.GetTypedConfig().UnmarshalTo(h) == nil && h.GetRds() != nil {
					names = append(names, h.GetRds().RouteConfigName)
				}
			}
		}
	}
	made, _ := d.server.ConfigGen.BuildHTTPRoutes(proxy, &model.PushRequest{Push: push, Forced: true}, names)
	out := map[string]*route.RouteConfiguration{}
	for _, one := range made {
		r := &route.RouteConfiguration{}
		if err := one.Resource.UnmarshalTo(r); err != nil {
			return nil, err
		}
		out[r.Name] = r
	}
	return out, nil
}

// parse reads policies as istiod does, but without its validation.
func parse(docs []string) ([]config.Config, error) {
	var out []config.Config
	for _, doc := range docs {
		obj := &crd.IstioKind{}
		if err := yaml.Unmarshal([]byte(doc), obj); err != nil {
			return nil, err
		}
		schema, ok := collections.Pilot.FindByGroupVersionAliasesKind(config.FromKubernetesGVK(obj.GroupVersionKind()))
		if !ok {
			return nil, fmt.Errorf("unknown kind %s", obj.GroupVersionKind())
		}
		cfg, err := crd.ConvertObject(schema, obj, "")
		if err != nil {
			return nil, err
		}
		out = append(out, *cfg)
	}
	return out, nil
}

func (d *istiod) proxy(c *Case) *model.Proxy {
	w := c.Workload
	p := &model.Proxy{
		ConfigNamespace: w.Namespace,
		Labels:          w.Labels,
		IPAddresses:     []string{ownIP},
		Metadata:        &model.NodeMetadata{IstioVersion: "1.32.0", Namespace: w.Namespace, Labels: w.Labels},
	}
	switch w.Kind {
	case "gateway":
		p.Type = model.Router
	case "waypoint":
		p.Type = model.Waypoint
		p.IPAddresses = []string{waypointPod}
		p.Labels = map[string]string{gatewayLabel: w.Name, managedLabel: "istio.io-mesh-controller"}
		p.Metadata.Labels = p.Labels
	}
	return d.server.SetupProxy(p)
}

// validate runs istiod's webhook validation; the verdict is reported, never enforced.
func validate(out map[string]string, cfg config.Config) {
	schema, ok := collections.Pilot.FindByGroupVersionKind(cfg.GroupVersionKind)
	if !ok {
		return
	}
	name := cfg.GroupVersionKind.Kind + " " + cfg.Namespace + "/" + cfg.Name
	warning, err := schema.ValidateConfig(cfg)
	if err != nil {
		out[name] = err.Error()
	} else if warning != nil {
		out[name] = "warning: " + warning.Error()
	}
}

// splitObjects parts a case's YAML into policies and everything else, and adds the waypoint's own objects.
func splitObjects(c *Case) (policies, rest []string, vips map[string]string, err error) {
	vips = map[string]string{}
	next := netip.MustParseAddr("10.96.0.1")
	for _, doc := range strings.Split("\n"+c.Objects, "\n---") {
		var o map[string]any
		if err = yaml.Unmarshal([]byte(doc), &o); err != nil {
			return nil, nil, nil, fmt.Errorf("objects: %w", err)
		}
		if len(o) == 0 {
			continue
		}
		api, _ := o["apiVersion"].(string)
		kind, _ := o["kind"].(string)
		if strings.HasPrefix(api, "security.istio.io/") {
			policies = append(policies, doc)
			continue
		}
		if c.Workload.Kind == "waypoint" && kind == "Gateway" && strings.HasPrefix(api, "gateway.networking.k8s.io/") {
			continue // made below, with the status that a cluster would write
		}
		if kind == "Service" {
			meta, _ := o["metadata"].(map[string]any)
			spec, _ := o["spec"].(map[string]any)
			ns, _ := meta["namespace"].(string)
			name, _ := meta["name"].(string)
			vip, _ := spec["clusterIP"].(string)
			if vip == "" {
				next = next.Next()
				vip = next.String()
				spec["clusterIP"] = vip
				b, err := yaml.Marshal(o)
				if err != nil {
					return nil, nil, nil, err
				}
				doc = string(b)
			}
			vips[ns+"/"+name] = vip
		}
		if kind == "ServiceEntry" {
			e := struct {
				Metadata struct{ Namespace, Name string }
				Spec     struct{ Addresses []string }
			}{}
			if err = yaml.Unmarshal([]byte(doc), &e); err != nil {
				return nil, nil, nil, fmt.Errorf("objects: %w", err)
			}
			if len(e.Spec.Addresses) > 0 {
				vips[e.Metadata.Namespace+"/"+e.Metadata.Name] = e.Spec.Addresses[0]
			}
		}
		rest = append(rest, doc)
	}
	if c.Workload.Kind == "waypoint" {
		rest = append(rest, strings.NewReplacer("{NAME}", c.Workload.Name, "{NS}", c.Workload.Namespace, "{IP}", waypointPod).
			Replace(waypointObjects))
	}
	return policies, rest, vips, nil
}

// waypointObjects is what a cluster holds for a ready waypoint: its Service, its pod, its Gateway with a status.
const waypointObjects = `apiVersion: v1
kind: Service
metadata:
  name: "{NAME}"
  namespace: "{NS}"
  labels: {gateway.istio.io/managed: istio.io-mesh-controller, gateway.networking.k8s.io/gateway-name: "{NAME}"}
spec:
  clusterIP: 10.97.0.1
  ports: [{name: mesh, port: 15008, appProtocol: hbone}]
  selector: {gateway.networking.k8s.io/gateway-name: "{NAME}"}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: "{NAME}-0", namespace: "{NS}"}
spec:
  address: {IP}
  labels: {gateway.networking.k8s.io/gateway-name: "{NAME}"}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: "{NAME}"
  namespace: "{NS}"
  labels: {istio.io/waypoint-for: all}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: All}}}]
status:
  addresses: [{type: Hostname, value: "{NAME}.{NS}.svc.cluster.local"}]
`
