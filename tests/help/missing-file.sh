fixture missing-file/err-source
# run: validate rules
# help: paths are relative to the file they are written in
cat > environments/rules/tsb-config.yaml <<'E'
apiVersion: api.tsb.tetrate.io/v2
kind: Tenant
metadata: {name: web, organization: tetrate}
E
