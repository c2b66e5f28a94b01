patch '{kind: PeerAuthentication}' <<'E'
- {op: replace, path: /metadata/name, value: other}
E
# run: render --stdout
# help: options.allowNameChange
edit environments/example/environment.yaml 's/  - target: {kind: PeerAuthentication}/&\n    options: {allowNameChange: true}/'
