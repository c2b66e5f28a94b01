manifest port-level-without-selector/err-level
# run: validate a.yaml
# help: add `selector.matchLabels`
edit a.yaml 's/portLevelMtls/selector: {matchLabels: {app: a}}\n  &/'
