package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"

	"istio.io/istio/pilot/pkg/util/protoconv"
)

// envoy is one running Envoy with the listeners of one batch.
type envoy struct {
	cmd   *exec.Cmd
	dir   string
	admin string
	// addr is where each listener waits; refused holds Envoy's words about those it did not take.
	addr    map[string]string
	refused map[string]string
	ended   chan struct{} // closed when the process is gone
}

func startEnvoy(bin, dir string, ls []*listener.Listener, cs []*cluster.Cluster) (*envoy, error) {
	if err := writeXDS(filepath.Join(dir, "lds.pb"), "type.googleapis.com/envoy.config.listener.v3.Listener", ls); err != nil {
		return nil, err
	}
	if err := writeXDS(filepath.Join(dir, "cds.pb"), "type.googleapis.com/envoy.config.cluster.v3.Cluster", cs); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	b, err := bootstrap(dir, port)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "bootstrap.json"), b, 0o600); err != nil {
		return nil, err
	}
	out, err := os.Create(filepath.Join(dir, "envoy.log"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	e := &envoy{dir: dir, admin: "http://127.0.0.1:" + strconv.Itoa(port), addr: map[string]string{}, refused: map[string]string{}}
	e.cmd = exec.Command(bin, "-c", filepath.Join(dir, "bootstrap.json"), "--concurrency", "2", "--log-level", "warning",
		"--disable-hot-restart", "--use-dynamic-base-id", "--file-flush-interval-msec", "50")
	e.cmd.Stdout, e.cmd.Stderr = out, out
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	e.ended = make(chan struct{})
	go func() {
		_ = e.cmd.Wait()
		close(e.ended)
	}()
	if err := e.wait(ls); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

func writeXDS[T proto.Message](path, url string, in []T) error {
	r := &discovery.DiscoveryResponse{VersionInfo: "1", TypeUrl: url}
	for _, m := range in {
		r.Resources = append(r.Resources, protoconv.MessageToAny(m))
	}
	b, err := proto.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (e *envoy) get(path string, into any) error {
	r, err := http.Get(e.admin + path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if s, ok := into.(*string); ok {
		*s = string(b)
		return nil
	}
	return json.Unmarshal(b, into)
}

// wait returns when every listener is either open or refused.
func (e *envoy) wait(ls []*listener.Listener) error {
	want := map[string]bool{}
	for _, l := range ls {
		want[l.Name] = l.GetInternalListener() == nil
	}
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case <-e.ended:
			return fmt.Errorf("%w: %s", errEnded, e.lastWords())
		case <-time.After(50 * time.Millisecond):
		}
		var ready string
		if e.get("/ready", &ready) != nil || ready != "LIVE\n" {
			continue
		}
		if err := e.listeners(); err != nil {
			continue
		}
		if err := e.refusals(); err != nil {
			continue
		}
		missing := 0
		for n, external := range want {
			if external && e.addr[n] == "" && e.refused[n] == "" {
				missing++
			}
		}
		if missing == 0 {
			return nil
		}
	}
	return fmt.Errorf("envoy was not ready in time: see %s/envoy.log", e.dir)
}

func (e *envoy) listeners() error {
	var s struct {
		ListenerStatuses []struct {
			Name         string `json:"name"`
			LocalAddress struct {
				SocketAddress struct {
					Address   string `json:"address"`
					PortValue int    `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := e.get("/listeners?format=json", &s); err != nil {
		return err
	}
	for _, l := range s.ListenerStatuses {
		if p := l.LocalAddress.SocketAddress.PortValue; p != 0 {
			e.addr[l.Name] = fmt.Sprintf("127.0.0.1:%d", p)
		}
	}
	return nil
}

var cutDetails = regexp.MustCompile(`\s+`)

func (e *envoy) refusals() error {
	var d struct {
		Configs []struct {
			Name       string `json:"name"`
			ErrorState struct {
				Details string `json:"details"`
			} `json:"error_state"`
		} `json:"configs"`
	}
	if err := e.get("/config_dump?resource=dynamic_listeners", &d); err != nil {
		return err
	}
	for _, c := range d.Configs {
		if c.ErrorState.Details != "" {
			e.refused[c.Name] = cutDetails.ReplaceAllString(c.ErrorState.Details, " ")
		}
	}
	return nil
}

func (e *envoy) stop() {
	_ = e.cmd.Process.Kill()
	<-e.ended
}

// errEnded says that Envoy itself did not survive the configuration.
var errEnded = errors.New("envoy ended")

// lastWords is the first critical line of Envoy's log, or its end.
func (e *envoy) lastWords() string {
	b, _ := os.ReadFile(filepath.Join(e.dir, "envoy.log"))
	for _, line := range strings.Split(string(b), "\n") {
		if strings.Contains(line, "[critical]") {
			return line
		}
	}
	return string(b[max(0, len(b)-500):])
}
