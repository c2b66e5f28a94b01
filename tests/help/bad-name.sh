manifest bad-name/err-namespace
# run: validate a.yaml
# help: use lower case letters, digits and dashes
edit a.yaml 's/a\.b/a-b/'
