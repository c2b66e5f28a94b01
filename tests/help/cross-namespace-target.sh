manifest cross-namespace-target/err-namespace
# run: validate a.yaml
# help: put the policy into the namespace of its target
edit a.yaml 's/name: p, namespace: httpbin/name: p, namespace: b/; s/name: a, namespace: b}/name: a}/'
