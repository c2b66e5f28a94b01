made
echo '# a word' >> environments/example/environment.yaml; waypost render > said 2>&1; rm said
# run: publish --branch env/example
# help: commit
git commit -qam word
