manifest bad-path-template/err-name
# run: validate a.yaml
# help: braces hold one segment
edit a.yaml 's#"/{name}", "/{..}/{.}"#"/{*}/x", "/{*}/{**}"#'
