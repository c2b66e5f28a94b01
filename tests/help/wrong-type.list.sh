fixture wrong-type/err-list
# run: validate rules
# help: write a list of mappings, such as `[{name: east}]`
edit environments/rules/environment.yaml 's#clusters: east#clusters: [{name: east}]#'
