fixture unknown-step/err-near
# run: validate rules
# help: did you mean `enrollment`?
edit environments/rules/environment.yaml 's/enrolment/enrollment/'
