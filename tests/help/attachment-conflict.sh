manifest attachment-conflict/err-both
# run: validate a.yaml
# help: keep one
edit a.yaml '/selector:/d'
