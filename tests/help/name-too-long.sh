fixture name-too-long/err-delivery
# run: validate rules
# help: use shorter names for the environment or the cluster
edit environments/rules/environment.yaml 's/a-cluster-with-a-name-that-is-much-too-long-for-everybody/short/'
