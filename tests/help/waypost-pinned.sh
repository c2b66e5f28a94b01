fixture waypost-pinned/err-other-release
# run: validate rules
# help: or write this one here
edit environments/rules/environment.yaml 's/waypost: "9.0"/waypost: "0.1.0"/'
