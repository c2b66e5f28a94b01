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


def drop(folder, name, start):
    """Takes the lines away that begin so, of which there is one at least."""
    with open(os.path.join(folder, name)) as file:
        lines = file.readlines()
    rest = [line for line in lines if not line.startswith(start)]
    if rest == lines:
        raise RuntimeError(f"{name} has no line that begins with `{start}`")
    write(folder, name, "".join(rest))
