# What the cases of this folder have at hand. $TESTS is the folder `tests`.
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.com GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.com

# edit FILE SCRIPT: changes a file by a script of sed, which must change something
edit() { # sed -i of GNU and of BSD differ
  sed "$2" "$1" > "$1.edited"
  ! cmp -s "$1" "$1.edited" || { echo "nothing in $1 is changed by $2"; exit 1; }
  mv "$1.edited" "$1"
}

# fixture CODE/NAME: the environment `rules` as tests/rules/CODE/NAME.yaml has it
fixture() {
  mkdir -p environments/rules
  awk -v path=environments/rules/environment.yaml '
    /^# ==> / { path = substr($0, 7); if (sub(/^\.\.\//, "", path)) path = "environments/" path; else path = "environments/rules/" path
                folder = path; sub(/\/[^\/]*$/, "", folder); system("mkdir -p \"" folder "\""); printf "" > path; next }
    { print > path }' "$TESTS/rules/$1.yaml"
  SPEC=environments/rules/environment.yaml
}

# manifest CODE/NAME: tests/manifests/CODE/NAME.yaml as the file a.yaml
manifest() { cp "$TESTS/manifests/$1.yaml" a.yaml; chmod u+w a.yaml; }

# example NAME: an example environment, without its tree
example() { mkdir -p environments; cp -R "$TESTS/../environments/$1" "environments/$1"; }

# repo: a repository with one commit, of whatever is there
repo() { git init -q -b main .; git add -A; git commit -qm base; }

# made: the environment `example` of `waypost init`, that Argo CD and Flux are told of, rendered and committed
made() {
  waypost init > said 2>&1
  cat >> environments/example/environment.yaml <<'E'
  delivery:
    targets: [argocd, flux]
    repoURL: https://git.example.com/mesh.git
    revision: main
E
  waypost render > said 2>&1 || { cat said; exit 1; }
  rm said
  repo
}

# patch TARGET: the environment `example` at its last stage, with the patch on standard input for this target
patch() {
  waypost init > said 2>&1
  rm said
  edit environments/example/environment.yaml 's/reached: none/reached: shop/'
  { printf '  patches:\n  - target: %s\n    patch: |\n' "$1"; sed 's/^/      /'; } >> environments/example/environment.yaml
}
