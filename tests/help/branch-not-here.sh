made
waypost publish --branch env/example --new-branch > said 2>&1 || waypost publish --branch env/example > said 2>&1
rm -f said
git clone -q --single-branch "file://$PWD" clone
# run: -C clone publish --branch env/example
# help: fetch
git -C clone fetch -q origin env/example:env/example
