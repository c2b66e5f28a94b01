fixture opted-out/err-kinds
# run: validate rules
# help: with `mode: none` to keep it out
# help: needs the label `istio.io/dataplane-mode` in its own pod template
edit environments/rules/environment.yaml 's#name: shop#&, workloads: [{kind: Deployment, name: api, mode: none}, {kind: StatefulSet, name: db, mode: none}]#'
edit environments/rules/shop.yaml '/name: import/,$ s#labels: {#labels: {istio.io/dataplane-mode: none, #'
