manifest unknown-attribute/err-keys
# run: validate a.yaml
# help: did you mean `source.namespace`?
# help: write it as `request.headers[x-name]`
# help: put the policy into that namespace instead
edit a.yaml 's/source.namespaces/source.namespace/; s/key: request.headers/key: "request.headers[x-name]"/; /destination.labels/d; /destination.namespace/d; /key: something/d'
