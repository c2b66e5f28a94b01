patch '{kind: Gateway}' <<'E'
- add: /metadata/labels/team
E
# run: render --stdout
# help: use `op`, `path`, `from`, `value`
edit environments/example/environment.yaml 's#add: /metadata/labels/team#{op: add, path: /metadata/labels/team, value: a}#'
