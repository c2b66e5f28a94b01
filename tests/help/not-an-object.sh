fixture not-an-object/err-misspelt-key
# run: validate rules
# help: write `apiVersion`
edit environments/rules/tsb.yaml 's/^apiversion/apiVersion/'
cat >> environments/rules/tsb.yaml <<'E'
---
apiVersion: api.tsb.tetrate.io/v2
kind: Tenant
metadata: {organization: acme, name: web}
E
