package inprocess

import (
	accesslog "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	fileal "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/file/v3"

	"istio.io/istio/pilot/pkg/util/protoconv"
)

// AccessLogs are istiod's own, in another file.
func AccessLogs(in []*accesslog.AccessLog, to string) []*accesslog.AccessLog {
	var out []*accesslog.AccessLog
	for _, l := range in {
		file := &fileal.FileAccessLog{}
		if !l.GetTypedConfig().MessageIs(file) || l.GetTypedConfig().UnmarshalTo(file) != nil {
			continue
		}
		file.Path = to
		out = append(out, &accesslog.AccessLog{Name: l.Name, Filter: l.Filter,
			ConfigType: &accesslog.AccessLog_TypedConfig{TypedConfig: protoconv.MessageToAny(file)}})
	}
	return out
}
