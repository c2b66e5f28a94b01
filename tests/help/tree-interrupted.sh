made
: > rendered/.example.waypost-journal
# run: check
# help: run `waypost render`
waypost render
