fixture nobody-may-call/err-no-rule
# run: validate rules
# help: one from the workspace to itself lets its own pods in
cat >> environments/rules/tsb.yaml <<'E'
        - from: {fqn: organizations/acme/tenants/web/workspaces/back}
          to: {fqn: organizations/acme/tenants/web/workspaces/back}
E
