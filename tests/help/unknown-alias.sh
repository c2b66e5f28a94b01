cat > a.yaml <<'E'
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
data: {a: *nowhere, b: c}
E
# run: validate a.yaml
# help: set `&nowhere` before the value that is meant
edit a.yaml 's/{a: .nowhere, b: c}/{b: \&nowhere c, a: *nowhere}/'
