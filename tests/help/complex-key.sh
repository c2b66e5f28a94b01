cat > a.yaml <<'E'
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
data: {? [a, b] : c}
E
# run: validate a.yaml
# help: quote it if it is meant as text
edit a.yaml 's/? .a, b. /"a.b"/'
