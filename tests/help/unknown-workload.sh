fixture unknown-workload/err-near
# run: validate rules
# help: did you mean `sleep`?
edit environments/rules/environment.yaml 's/slep/sleep/'
