fixture missing-field/err-istio-of-ambient
# run: validate rules
# help: add the release, such as `istio: "1.24"`
edit environments/rules/environment.yaml 's/tsb: "1.13"/&, istio: "1.24"/'
