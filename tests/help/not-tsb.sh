fixture not-tsb/err-namespace
# run: validate rules
# help: name its file under `sources.inventory`
sed -n '/^---/,$ p' environments/rules/tsb-config.yaml > environments/rules/namespaces.yaml
edit environments/rules/tsb-config.yaml '/^---/,$ d'
edit environments/rules/environment.yaml 's/tsb: .tsb-config.yaml./&, inventory: [namespaces.yaml]/'
