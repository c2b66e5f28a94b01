patch '{kind: Gateway}' <<'E'
- {op: add, path: /metadata/labels/team, value: 3}
E
# run: render --stdout
# help: put the value in quotes
edit environments/example/environment.yaml 's/value: 3/value: "3"/'
