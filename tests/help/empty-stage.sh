fixture empty-stage/err-empty
# run: validate rules
# help: give it namespaces
edit environments/rules/environment.yaml 's#namespaces: \[\]#namespaces: [east/client]#'
