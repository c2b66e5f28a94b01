fixture wrong-value/err-access
# run: validate rules
# help: for example `client/sleep`
# help: for example `httpbin/httpbin:8000`
edit environments/rules/access.yaml 's#from: sleep, to: shop/cart,#from: client/sleep, to: "shop/cart:8000", request: {method: GET, path: /},#'
