fixture reserved-label/err-injection
# run: validate rules
# help: remove it
edit environments/rules/environment.yaml 's/istio-injection: enabled, //'
