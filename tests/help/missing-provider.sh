manifest missing-provider/err-none
# run: validate a.yaml
# help: add `provider.name`
edit a.yaml 's/action: CUSTOM/&\n  provider: {name: opa}/'
