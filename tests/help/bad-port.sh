manifest bad-port/err-level
# run: validate a.yaml
# help: from 1 to 65535
edit a.yaml 's/"080"/"80"/'
