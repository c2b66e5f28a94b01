made
edit environments/example/environment.yaml 's/reached: none/reached: shop/'
# run: check
# help: waypost render
waypost render
