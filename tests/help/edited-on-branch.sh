made
waypost publish --branch env/example > said 2>&1; rm said
git worktree add -q branch env/example
file=$(cd branch && git ls-files | grep 'mesh/.*yaml' | head -1)
(cd branch; echo '# by hand' >> "$file"; git commit -qam edit); git worktree remove --force branch
edit environments/example/environment.yaml 's/reached: none/reached: shop/'; waypost render > said 2>&1; rm said; git add -A; git commit -qm next
# run: publish --branch env/example
# help: revert
git worktree add -q branch env/example; git -C branch revert --no-edit HEAD > said; rm said; git worktree remove --force branch
