fixture unknown-stage/err-near
# run: validate rules
# help: did you mean `one`?
edit environments/rules/environment.yaml 's/reached: oen/reached: one/'
