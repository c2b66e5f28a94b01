made
# run: check exampel
# help: did you mean
# then: check example
:
