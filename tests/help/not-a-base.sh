fixture not-a-base/err-other
# run: validate rules
# help: give what else it holds a file of its own
cat > environments/rules/mp.yaml <<'E'
apiVersion: install.tetrate.io/v1alpha1
kind: ManagementPlane
metadata: {name: managementplane, namespace: tsb}
spec: {hub: registry.example.com/tsb}
E
