made
cp -R environments/example environments/second; mv environments/second/environment.yaml environments/second/environment.yml
# run: check
# help: rename it
mv environments/second/environment.yml environments/second/environment.yaml; edit environments/second/environment.yaml 's/name: example/name: second/; s/cluster-1/cluster-2/'; waypost render
