fixture unknown-cluster/err-stage
# run: validate rules
# help: did you mean `east`?
edit environments/rules/environment.yaml 's#eats/client#east/client#'
