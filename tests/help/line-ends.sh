made
find rendered gitops -type f | while read -r file; do edit "$file" "s/\$/$(printf '\r')/"; done
# run: check
# help: .gitattributes
printf 'rendered/** text eol=lf\ngitops/** text eol=lf\n' > .gitattributes
rm -r rendered gitops; git checkout -q -- rendered gitops
