patch '{kind: Gateway}' <<'E'
- {op: add, path: /metadata/labels/team, value: a}
E
cat >> environments/example/environment.yaml <<'E'
  - target: {kind: Gateway}
    patch: |
      - {op: add, path: /metadata/labels/team, value: b}
E
# run: render --stdout
# help: keep one of the two
edit environments/example/environment.yaml 's/value: b/value: a/'
