made
echo 'kind: x' > rendered/example/cluster-1/mesh/extra.yaml
# run: check
# help: move it
mv rendered/example/cluster-1/mesh/extra.yaml notes.yaml
