made
echo '# a word' >> environments/example/environment.yaml
# run: check
# help: waypost render
waypost render
