fixture namespace-exists/err-created
# run: validate rules
# help: set `lifecycle: adopt`
edit environments/rules/environment.yaml 's/lifecycle: create/lifecycle: adopt/'
