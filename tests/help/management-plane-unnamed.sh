fixture management-plane-unnamed/err-two-clusters
# run: validate rules
# help: name it in `managementPlane: {cluster: …}`
edit environments/rules/environment.yaml 's/^  clusters:/  managementPlane: {cluster: alpha}\n  clusters:/'
