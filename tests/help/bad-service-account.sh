manifest bad-service-account/err-wildcard
# run: validate a.yaml
# help: write `account` or `namespace/account`
edit a.yaml 's#, "a/.", a/b/c##'
