patch '{kind: Gateway}' <<'E'
- {op: replace, path: /spec/gatewayClass, value: a}
E
# run: render --stdout
# do: correct the path
edit environments/example/environment.yaml 's#/spec/gatewayClass, value: a#/spec/gatewayClassName, value: istio-waypoint#'
