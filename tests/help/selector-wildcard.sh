manifest selector-wildcard/err-value
# run: validate a.yaml
# help: name the label in full
edit a.yaml 's/app: "a."/app: a/'
