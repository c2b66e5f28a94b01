fixture yaml-syntax/err-open
# run: validate rules
# help: add the closing bracket
edit environments/rules/environment.yaml 's/clusters: \[/clusters: [{name: east, namespaces: [{name: client}]}]/'
