manifest bad-jwks/err-json
# run: validate a.yaml
# help: write a JSON object with `keys`
edit a.yaml 's/jwks: "{}"/jwks: "{\\"keys\\": []}"/'
