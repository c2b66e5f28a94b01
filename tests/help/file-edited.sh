made
file=$(ls rendered/example/cluster-1/mesh/*/*.yaml | grep -v kustomization | head -1)
echo '# by hand' >> "$file"
# run: check
# help: waypost render
waypost render
