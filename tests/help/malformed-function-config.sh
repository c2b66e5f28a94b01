made
cat > in.yaml <<'E'
apiVersion: config.kubernetes.io/v1
kind: ResourceList
functionConfig: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {enviroment: example}}
items: []
E
# run: fn < in.yaml
# help: did you mean `environment`?
edit in.yaml 's/enviroment/environment/'
