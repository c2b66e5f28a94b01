waypost init > said 2>&1
echo '  delivery: {targets: [flux], repoURL: "https://git.example.com/mesh.git", path: deploy}' >> environments/example/environment.yaml
# run: render
# help: rendered
edit environments/example/environment.yaml 's/path: deploy/path: rendered/'
