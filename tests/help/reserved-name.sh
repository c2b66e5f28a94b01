fixture reserved-name/err-none
# run: validate rules
# help: choose another name
edit environments/rules/environment.yaml 's/name: none/name: first/'
