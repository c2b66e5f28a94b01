made
mkfifo rendered/example/cluster-1/pipe
# run: render
# help: move it out
mv rendered/example/cluster-1/pipe .
