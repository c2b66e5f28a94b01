fixture missing-base/err-full
# run: validate rules
# help: or leave `output` out
edit environments/rules/environment.yaml 's/controlPlane: {output: full}/controlPlane: {}/'
