cat > a.yaml <<'E'
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
data: {a: b}
data: {c: d}
E
# run: validate a.yaml
# help: keep one of them
edit a.yaml '$ d'
