fixture invalid-name/err-delivery
# run: validate rules
# help: use lower-case letters, digits and dashes
# help: write it as `1.24` or `1.24.3`
edit environments/rules/environment.yaml 's/Argo_CD/argo-cd/'
edit environments/rules/environment.yaml 's/"a b"/a-b/'
edit environments/rules/environment.yaml 's/version: latest/version: "2.8"/'
