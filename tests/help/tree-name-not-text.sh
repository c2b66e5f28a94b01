made
: > "$(printf 'rendered/example/cluster-1/a\377.md')"
# run: check
# help: move it out
rm rendered/example/cluster-1/a*.md
