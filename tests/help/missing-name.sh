manifest missing-name/err-no-metadata
# run: validate a.yaml
# help: add `metadata.name`
edit a.yaml 's/kind: ConfigMap/&\nmetadata: {name: a, namespace: shop}/'
