fixture unknown-cluster/err-management-plane
# run: validate rules
# help: add it to `clusters`
edit environments/rules/environment.yaml 's/^  - name: east/  - name: west\n&/'
