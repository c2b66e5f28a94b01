fixture environment-name/err-other
# run: validate rules
# help: call it `rules`
edit environments/rules/environment.yaml 's/name: production/name: rules/'
