fixture wrong-type/err-version
# run: validate rules
# help: put it in quotes
edit environments/rules/environment.yaml 's/istio: 1.30/istio: "1.30"/'
