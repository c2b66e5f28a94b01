fixture idle-labels/err-adopted
# run: validate rules
# help: set `lifecycle: create`
edit environments/rules/environment.yaml 's/name: client,/name: client, lifecycle: create,/'
