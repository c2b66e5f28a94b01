made
edit environments/example/environment.yaml 's/reached: none/reached: shop/'
mkdir -p rendered/example/cluster-1/mesh/shop; for f in gateway-waypoint; do echo 'kind: x' > rendered/example/cluster-1/mesh/shop/$f.yaml; done
# run: render
# help: move the file elsewhere
mv rendered/example/cluster-1/mesh/shop/gateway-waypoint.yaml notes.yaml
