fixture duplicate-key/err-twice
# run: validate rules
# help: keep one of them
edit environments/rules/environment.yaml '/organization: other/d'
