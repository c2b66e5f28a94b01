fixture shared-trust-domain/err-two
# run: validate rules
# help: give each its own
edit environments/rules/environment.yaml 's/name: west, trustDomain: east.tsb.local/name: west, trustDomain: west.tsb.local/'
