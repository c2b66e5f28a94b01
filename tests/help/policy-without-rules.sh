manifest policy-without-rules/err-deny
# run: validate a.yaml
# help: an empty rule `{}` matches every request
edit a.yaml 's/action: DENY/&\n  rules: [{}]/'
