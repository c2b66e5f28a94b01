fixture not-supported/err-hook-job
# run: validate rules
# help: use `annotation` or `manual`
edit environments/rules/environment.yaml 's/restart: hook-job/restart: annotation/'
