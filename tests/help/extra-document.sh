fixture extra-document/err-second
# run: validate rules
# help: remove it
edit environments/rules/environment.yaml '13,$ d'
