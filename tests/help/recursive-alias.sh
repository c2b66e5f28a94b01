cat > a.yaml <<'E'
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
data: &a {x: *a}
E
# run: validate a.yaml
# help: write
edit a.yaml 's/: &a {x: .a}/: {x: z}/'
