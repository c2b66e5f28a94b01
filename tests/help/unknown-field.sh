fixture unknown-field/err-misspelt
# run: validate rules
# help: did you mean `namespaces`?
edit environments/rules/environment.yaml 's/namepsaces/namespaces/'
