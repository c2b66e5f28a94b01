manifest bad-duration/err-short
# run: validate a.yaml
# help: write it as `5s` or `100ms`
edit a.yaml 's/0.5ms/100ms/'
