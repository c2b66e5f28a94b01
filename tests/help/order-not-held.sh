fixture order-not-held/err-automatic
# run: validate rules
# help: or use `gated` or `progressive`
edit environments/rules/environment.yaml 's/order: automatic/order: gated/'
