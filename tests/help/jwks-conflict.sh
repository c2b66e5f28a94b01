manifest jwks-conflict/err-both
# run: validate a.yaml
# help: keep one
edit a.yaml 's/, jwks: .*}$/}/'
