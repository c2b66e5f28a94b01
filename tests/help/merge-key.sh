fixture merge-key/err-merge
# run: validate rules
# help: write the entries out
edit environments/rules/environment.yaml 's/<<: {cluster: east}/cluster: east/'
