fixture control-character/err-escape
# run: validate rules
# help: remove it
edit environments/rules/environment.yaml 's#"a.eb"#rendered#; s#delivery: {#&repoURL: "https://git.example.com/mesh.git", targets: [flux], #'
