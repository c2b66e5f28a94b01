made
rm -r environments/example; waypost init made --name other > said 2>&1; mkdir -p environments; mv made/environments/other environments/; waypost render other > said 2>&1; rm said
# run: check
# help: waypost prune example
waypost prune example --allow-empty-unit --allow-namespace-removal --allow-shrink
