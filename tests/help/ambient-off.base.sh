fixture ambient-off/err-base-silent
# run: validate rules
# help: or `components.istio.ambient.enable: true` in the base
edit environments/rules/controlplane.yaml 's#^spec: {#&components: {istio: {ambient: {enable: true}}}, #'
