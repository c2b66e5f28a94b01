manifest empty-match/err-from
# run: validate a.yaml
# help: say what it matches
edit a.yaml 's/from: ../from: [{source: {namespaces: [client]}}]/'
