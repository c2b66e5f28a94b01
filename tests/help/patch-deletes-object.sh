patch '{kind: PeerAuthentication}' <<'E'
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: x}
$patch: delete
E
# run: render --stdout
# help: leave the object out where it comes from
edit environments/example/environment.yaml '/patches:/,$ d'
