fixture duplicate-name/err-documents
# run: validate rules
# help: keep one of them
rm environments/rules/clusters/b.yaml
