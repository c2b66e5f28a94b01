patch '{kind: Gateway, name: "*"}' <<'E'
- {op: add, path: /metadata/labels/team, value: a}
E
# run: render --stdout
# help: write `.*` where a glob has `*`
edit environments/example/environment.yaml 's/name: "."/name: ".*"/'
