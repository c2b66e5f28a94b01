fixture missing-namespace/err-sample
# run: validate rules
# help: add `metadata.namespace`
edit environments/rules/inventory/all.yaml 's/metadata: {name: sleep}/metadata: {name: sleep, namespace: client}/'
