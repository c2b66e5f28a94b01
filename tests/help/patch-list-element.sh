patch '{kind: Deployment}' <<'E'
apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec: {template: {spec: {containers: [{image: a}]}}}
E
# run: render --stdout
# do: give every entry its key
edit environments/example/environment.yaml 's/image: a/name: shop, image: a/'
