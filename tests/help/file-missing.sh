made
file=$(ls rendered/example/cluster-1/mesh/*/*.yaml | grep -v kustomization | head -1)
rm "$file"
# run: check
# help: waypost render
git checkout -q rendered
