manifest server-field/err-dump
# run: validate a.yaml
# help: remove it
edit a.yaml '/uid:\|resourceVersion:\|creationTimestamp:\|^status:/d'
