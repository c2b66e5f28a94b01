fixture missing-field/err-versions
# run: validate rules
# help: add `versions`
edit environments/rules/environment.yaml 's/organization: tetrate/&\n  versions: {tsb: "1.13", istio: "1.24"}/'
