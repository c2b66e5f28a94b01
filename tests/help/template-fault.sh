waypost init > said 2>&1; rm said; edit environments/example/environment.yaml 's/reached: none/reached: shop/'; mkdir -p templates/gateway.networking.k8s.io; cp "$TESTS/../templates/gateway.networking.k8s.io/gateway.yaml.j2" templates/gateway.networking.k8s.io/ 2>/dev/null || cp $(ls "$TESTS"/../templates/gateway*/gateway.yaml.j2) templates/gateway.networking.k8s.io/; echo '{{ nowhere.at.all }}' >> templates/gateway.networking.k8s.io/gateway.yaml.j2
# run: render --stdout
# do: correct your template
edit templates/gateway.networking.k8s.io/gateway.yaml.j2 '/nowhere/d'
