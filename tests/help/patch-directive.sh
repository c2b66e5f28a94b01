patch '{kind: Gateway}' <<'E'
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint}
spec: {listeners: [{name: gone, $patch: delete}]}
E
# run: render --stdout
# help: or use a JSON6902 patch
edit environments/example/environment.yaml 's/spec: {listeners: .*/spec: {gatewayClassName: istio-waypoint}/'
