waypost init > said 2>&1; rm said; mkdir -p templates/core; echo x > templates/core/namespaec.yaml.j2
# run: render --stdout
# help: did you mean `core/namespace.yaml.j2`?
rm -r templates
