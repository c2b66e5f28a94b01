fixture idle-waypoint/err-sidecar
# run: validate rules
# help: make the namespace ambient
edit environments/rules/environment.yaml 's/name: client,/name: client, mode: ambient,/'
