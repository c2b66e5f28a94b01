manifest bad-dry-run/err-audit
# run: validate a.yaml
# help: goes with ALLOW and DENY
edit a.yaml 's/action: AUDIT/action: DENY/'
