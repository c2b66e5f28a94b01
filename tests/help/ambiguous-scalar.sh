cat > a.yaml <<'E'
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
data: {mode: 2024-01-01}
E
# run: validate a.yaml
# help: quote it if text is meant
edit a.yaml 's/2024-01-01/"&"/'
