fixture inventory-differs/err-ambient
# run: validate rules
# help: set `mode: ambient`
edit environments/rules/environment.yaml 's/- name: shop/- name: shop\n      mode: ambient/'
