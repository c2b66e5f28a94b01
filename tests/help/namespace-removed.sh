waypost init > said 2>&1
edit environments/example/environment.yaml 's/{name: shop, mode: sidecar}/&\n    - {name: extra, mode: ambient, lifecycle: create}/'
waypost render > said 2>&1
edit environments/example/environment.yaml '/name: extra/d'
# run: render --allow-shrink --allow-empty-unit
# help: --allow-namespace-removal
# then: render --allow-shrink --allow-empty-unit --allow-namespace-removal
:
