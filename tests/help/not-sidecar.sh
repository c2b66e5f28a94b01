fixture not-sidecar/err-ambient
# run: validate rules
# help: set it to `sidecar`
edit environments/rules/environment.yaml 's/mode: ambient/mode: sidecar/'
