patch '{kind: Gateway}' <<'E'
- {op: add, path: /metadata/annotations/example.com/owner, value: a}
E
# run: render --stdout
# help: ~1
edit environments/example/environment.yaml 's#example.com/owner#example.com~1owner#'
