fixture not-ours/err-version
# run: validate rules
# help: only documents with `apiVersion: waypost.dev/v1alpha1` belong here
edit environments/rules/environment.yaml 's#waypost.dev/v2#waypost.dev/v1alpha1#'
