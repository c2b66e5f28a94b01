fixture unknown-port/err-service
# run: validate rules
# help: it has `8000`
edit environments/rules/access.yaml 's/cart:80'/cart:8000'/'
