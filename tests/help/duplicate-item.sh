manifest duplicate-item/err-listeners
# run: validate a.yaml
# help: call one of them otherwise
# help: or give it another port or hostname
edit a.yaml '$ s/name: a, port: 80/name: b, port: 81/'
