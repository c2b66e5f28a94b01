made
mv rendered/example elsewhere; ln -s ../elsewhere rendered/example
# run: check
# help: put the
rm rendered/example; mv elsewhere rendered/example
