fixture path-outside/err-parent
# run: validate rules
# help: move the file into it
cat > environments/rules/tsb.yaml <<'E'
apiVersion: api.tsb.tetrate.io/v2
kind: Tenant
metadata: {name: web, organization: tetrate}
E
edit environments/rules/environment.yaml 's#../../../secrets#tsb.yaml#'
