manifest unknown-target/err-group
# run: validate a.yaml
# help: the group of `Gateway` is `gateway.networking.k8s.io`
edit a.yaml 's/targetRef: {/&group: gateway.networking.k8s.io, /'
