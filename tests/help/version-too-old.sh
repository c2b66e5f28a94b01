fixture version-too-old/err-istio
# run: validate rules
# help: upgrade to 1.12.1 or later
# help: upgrade to 1.24 or later
edit environments/rules/environment.yaml 's/tsb: "1.11", istio: "1.22"/tsb: "1.12.1", istio: "1.24"/'
