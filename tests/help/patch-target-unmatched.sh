patch '{kind: Gateway, name: waypiont}' <<'E'
- {op: add, path: /metadata/labels/team, value: a}
E
# run: render --stdout
# help: correct or remove the entry
edit environments/example/environment.yaml 's/waypiont/waypoint/'
