made
git clone -q --sparse "file://$PWD" clone; git -C clone sparse-checkout set --no-cone '/*' '!/environments/example/inventory'
# run: -C clone check
# help: git sparse-checkout
git -C clone sparse-checkout disable
