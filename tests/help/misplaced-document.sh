fixture misplaced-document/err-access
# run: validate rules
# help: name its file under `sources.access`
edit environments/rules/environment.yaml 's/sources: {tsb:/sources: {access:/'
