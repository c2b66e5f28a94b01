fixture duplicate-name/err-cluster
# run: validate rules
# help: rename one of them, or merge them
edit environments/rules/environment.yaml '13s/east/west/'
