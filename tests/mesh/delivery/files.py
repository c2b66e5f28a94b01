"""Files of the work tree, changed by hand."""

import os


def write(folder, name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


def edit(folder, name, old, new):
    with open(os.path.join(folder, name)) as file:
        text = file.read()
    if old not in text:
        raise RuntimeError(f"{name} has no `{old}`")
    write(folder, name, text.replace(old, new))
