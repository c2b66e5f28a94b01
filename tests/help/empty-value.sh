manifest empty-value/err-text
# run: validate a.yaml
# help: or write `*` to match anything that is there
edit a.yaml 's/principals: .""./principals: ["*"]/'
