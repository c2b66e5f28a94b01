manifest bad-address/err-cidr
# run: validate a.yaml
# help: such as `10.0.0.0/24`
edit a.yaml 's#10.0.0.0/33, 10.0.0.1, a#10.0.0.0/24, 10.0.0.1#'
