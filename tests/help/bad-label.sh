manifest bad-label/err-annotation-key
# run: validate a.yaml
# help: an optional DNS subdomain and a slash
edit a.yaml 's#"a b": c#example.com/b: c#'
