made
rm rendered/example/cluster-1/waypost.lock
# run: check
# help: waypost render
waypost render
