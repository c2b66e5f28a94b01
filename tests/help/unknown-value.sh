fixture unknown-value/err-mode
# run: validate rules
# help: did you mean `ambient`?
edit environments/rules/environment.yaml 's/ambeint/ambient/'
