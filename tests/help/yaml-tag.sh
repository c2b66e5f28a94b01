cat > a.yaml <<'E'
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
data: {a: !Ref b}
E
# run: validate a.yaml
# help: remove it
edit a.yaml 's/!Ref //'
