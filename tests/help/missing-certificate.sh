manifest missing-certificate/err-none
# run: validate a.yaml
# help: add `certificateRefs`
edit a.yaml 's/tls: {}/tls: {certificateRefs: [{name: a}]}/'
