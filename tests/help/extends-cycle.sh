fixture extends-cycle/err-itself
# run: validate rules
# help: let one of the files stand alone
edit environments/rules/environment.yaml '/extends:/d'
