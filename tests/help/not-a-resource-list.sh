made
echo 'kind: ConfigMap' > in.yaml
# run: fn < in.yaml
# help: kustomize and kpt call this verb
cat > in.yaml <<'E'
apiVersion: config.kubernetes.io/v1
kind: ResourceList
functionConfig: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {environment: example}}
items: []
E
