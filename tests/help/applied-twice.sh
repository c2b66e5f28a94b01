made
cp -R environments/example environments/other
edit environments/other/environment.yaml 's/name: example/name: other/'
# run: render other
# help: let one environment alone have it
edit environments/other/environment.yaml 's/cluster-1/cluster-2/'
