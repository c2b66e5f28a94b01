made
edit environments/example/environment.yaml 's/reached: none/reached: shop/'
waypost render > said 2>&1
edit environments/example/environment.yaml 's/reached: shop/reached: none/'
# run: render --allow-empty-unit
# help: --allow-shrink
# then: render --allow-empty-unit --allow-shrink
:
