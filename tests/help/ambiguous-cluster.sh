fixture ambiguous-cluster/err-from
# run: validate rules
# help: name the cluster too: `east/client`
edit environments/rules/access.yaml "s#client/sleep, to: 'shop#east/client/sleep, to: 'east/shop#" 
