fixture duplicate-object/err-twice
# run: validate rules
# help: remove one of them
edit environments/rules/inventory/all.yaml '25,$ d'
