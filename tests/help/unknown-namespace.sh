fixture unknown-namespace/err-stage
# run: validate rules
# help: did you mean `client`?
edit environments/rules/environment.yaml 's/cleint/client/'
