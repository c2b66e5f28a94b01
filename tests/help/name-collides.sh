for of in prod:eu-west prod-eu:west; do
  name=${of%%:*}; cluster=${of#*:}
  waypost init made --name "$name" > said 2>&1
  mkdir -p environments; mv "made/environments/$name" environments/
  edit "environments/$name/environment.yaml" "s/cluster-1/$cluster/"
  echo '  delivery: {targets: [argocd], repoURL: "https://git.example.com/mesh.git"}' >> "environments/$name/environment.yaml"
done
# run: render
# help: call an environment or a cluster otherwise
edit environments/prod-eu/environment.yaml 's/west/south/'
