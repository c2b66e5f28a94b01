fixture unreadable-file/err-folder
# run: validate rules
# help: name a file
cat > environments/rules/base/managementplane.yaml <<'E'
apiVersion: install.tetrate.io/v1alpha1
kind: ManagementPlane
metadata: {name: managementplane, namespace: tsb}
spec: {hub: registry.example.com/tsb}
E
edit environments/rules/environment.yaml 's#base: base#base: base/managementplane.yaml#'
