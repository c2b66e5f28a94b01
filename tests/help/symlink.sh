made
mv environments/example/tsb.yaml .; ln -s ../../tsb.yaml environments/example/tsb.yaml
# run: validate example
# help: put the file
rm environments/example/tsb.yaml; mv tsb.yaml environments/example/
