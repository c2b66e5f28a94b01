fixture empty-source/err-readme
# run: validate rules
# help: files end in `.yaml`
cat > environments/rules/inventory/all.yaml <<'E'
apiVersion: v1
kind: Namespace
metadata: {name: shop}
E
