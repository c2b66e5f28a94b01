fixture migrated-twice/err-stages
# run: validate rules
# help: keep it in one stage
edit environments/rules/environment.yaml 's#, east/client\]#]#'
