waypost init > said 2>&1; rm said; edit environments/example/environment.yaml 's/reached: none/reached: shop/'; mkdir -p templates/gateway.networking.k8s.io; cp "$TESTS/../templates/gateway.networking.k8s.io/gateway.yaml.j2" templates/gateway.networking.k8s.io/; edit templates/gateway.networking.k8s.io/gateway.yaml.j2 's/^kind: Gateway/kind: Gatevay/'
# run: render --stdout
# do: keep kind, name and namespace
edit templates/gateway.networking.k8s.io/gateway.yaml.j2 's/Gatevay/Gateway/'
