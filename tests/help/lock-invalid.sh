made
edit rendered/example/cluster-1/waypost.lock '1i <<<<<<< HEAD'
# run: check
# help: 
# do: take one whole version out of git
git checkout -q rendered
