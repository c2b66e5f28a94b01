fixture alias-bomb/err-laughs
# run: validate rules
# help: write the values out
edit environments/rules/environment.yaml '/^  [a-z]: /d'
