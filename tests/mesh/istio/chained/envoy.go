package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	internal "github.com/envoyproxy/go-control-plane/envoy/extensions/bootstrap/internal_listener/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"

	"istio.io/istio/pilot/pkg/util/protoconv"
)

// envoy is the Envoy of one pod.
type envoy struct {
	cmd           *exec.Cmd
	folder, admin string
	ended         chan struct{} // closed when the process is gone
}

func startEnvoy(program, folder string, port int, ls []*listener.Listener, cs []*cluster.Cluster, secrets []*tls.Secret) (*envoy, error) {
	b, err := proto.Marshal(&bootstrap.Bootstrap{
		Node:            &core.Node{Id: filepath.Base(folder), Cluster: "chained"},
		Admin:           &bootstrap.Admin{Address: at("127.0.0.1", port)},
		StaticResources: &bootstrap.Bootstrap_StaticResources{Listeners: ls, Clusters: cs, Secrets: secrets},
		BootstrapExtensions: []*core.TypedExtensionConfig{{
			Name: "envoy.bootstrap.internal_listener", TypedConfig: protoconv.MessageToAny(&internal.InternalListener{}),
		}},
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "bootstrap.pb")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return nil, err
	}
	out, err := os.Create(filepath.Join(folder, "envoy.log"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	e := &envoy{folder: folder, admin: fmt.Sprintf("http://127.0.0.1:%d", port), ended: make(chan struct{})}
	e.cmd = exec.Command(program, "-c", file, "--concurrency", "1", "--log-level", "warning", "--disable-hot-restart", "--use-dynamic-base-id",
		"--file-flush-interval-msec", "50")
	e.cmd.Stdout, e.cmd.Stderr = out, out
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = e.cmd.Wait()
		close(e.ended)
	}()
	return e, nil
}

// wait returns when it takes connections.
func (e *envoy) wait() error {
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		select {
		case <-e.ended:
			return fmt.Errorf("%w: %s", errEnded, e.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
		r, err := http.Get(e.admin + "/ready")
		if err != nil {
			continue
		}
		said, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if string(said) == "LIVE\n" {
			return nil
		}
	}
	return fmt.Errorf("envoy was not ready in time: see %s/envoy.log", e.folder)
}

// lastWords is the first critical line of Envoy's log, or its end.
func (e *envoy) lastWords() string {
	b, _ := os.ReadFile(filepath.Join(e.folder, "envoy.log"))
	for _, line := range strings.Split(string(b), "\n") {
		if strings.Contains(line, "[critical]") {
			return line
		}
	}
	return string(b[max(0, len(b)-500):])
}

func (e *envoy) stop() {
	_ = e.cmd.Process.Kill()
	<-e.ended
}
