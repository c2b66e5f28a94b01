manifest missing-issuer/err-none
# run: validate a.yaml
# help: add `issuer`
edit a.yaml 's/audiences: .a./issuer: a, jwksUri: "https:\/\/a", &/'
