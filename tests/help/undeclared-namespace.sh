fixture undeclared-namespace/err-near
# run: validate rules
# help: did you mean `shop`?
edit environments/rules/inventory/all.yaml 's/shpo/shop/'
