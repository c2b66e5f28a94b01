manifest deny-http-only/err-methods
# run: validate a.yaml
# help: name the ports it is meant for
edit a.yaml 's/methods: .POST./&, ports: ["80"]/'
