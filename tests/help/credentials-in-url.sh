fixture credentials-in-url/err-token
# run: validate rules
# help: leave it out
edit environments/rules/environment.yaml 's#x-token:abc@##'
