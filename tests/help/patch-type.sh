patch '{kind: Gateway}' <<'E'
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint}
spec: {listeners: {name: a}}
E
# run: render --stdout
# do: write what the object has there
edit environments/example/environment.yaml 's/spec: {listeners: {name: a}}/spec: {gatewayClassName: istio-waypoint}/'
