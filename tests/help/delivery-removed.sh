made
edit environments/example/environment.yaml '/delivery:/,$ d'
# run: render
# help: --allow-empty-unit
# then: render --allow-empty-unit
:
