fixture not-in-inventory/err-nothing
# run: validate rules
# help: or set `lifecycle: create`
edit environments/rules/environment.yaml 's/- name: payments/&\n      lifecycle: create/'
