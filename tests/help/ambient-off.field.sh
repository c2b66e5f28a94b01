fixture ambient-off/err-free-field
# run: validate rules
# help: set it to `true`
edit environments/rules/environment.yaml 's/enable: false/enable: true/'
