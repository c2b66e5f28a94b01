fixture ambient-off/err-stage
# run: validate rules
# help: set `ambient: true`
edit environments/rules/environment.yaml 's/ambient: false/ambient: true/'
