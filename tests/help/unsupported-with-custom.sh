manifest unsupported-with-custom/err-principals
# run: validate a.yaml
# help: select by addresses and operations here
edit a.yaml 's/source: {principals: .a.}/source: {ipBlocks: [10.0.0.1]}/; /when:/d; /source.namespace/d'
