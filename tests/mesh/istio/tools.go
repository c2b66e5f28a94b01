//go:build tools

// Package tools pins istiod and istioctl; the judge beside it uses istiod's code.
package tools

import (
	_ "istio.io/istio/istioctl/cmd"
	_ "istio.io/istio/pilot/cmd/pilot-discovery/app"
)
