fixture unknown-service/err-access
# run: validate rules
# help: did you mean `cart`?
edit environments/rules/access.yaml 's/card/cart/'
