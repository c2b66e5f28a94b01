waypost init > said 2>&1; rm said
cat >> environments/example/environment.yaml <<'E'
  patches:
  - patch: |
      apiVersion: v1
      kind: Namespace
      metadata: {name: shpo, labels: {team: a}}
E
# run: render --stdout
# help: as they are in the rendered tree
edit environments/example/environment.yaml 's/shpo/shop/'
