manifest generate-name/err-generated
# run: validate a.yaml
# help: give it a `name`
edit a.yaml 's/generateName: a-/name: a/'
