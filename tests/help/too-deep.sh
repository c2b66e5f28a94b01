fixture too-deep/err-nested
# run: validate rules
# help: check the brackets
edit environments/rules/environment.yaml 's#clusters: .*#clusters: [{name: east}]#'
