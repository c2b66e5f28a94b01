manifest service-accounts-conflict/err-crd-words
# run: validate a.yaml
# help: put them into two sources
edit a.yaml 's/- source: {serviceAccounts: .a.b., notNamespaces: .c.}/- source: {serviceAccounts: [a\/b]}\n    - source: {notNamespaces: [c]}/'
