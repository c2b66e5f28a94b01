"""What the guides tell people to type: read out of `docs/` when it is used, so that it cannot rot."""

import os
import re

from waypost import ROOT


def blocks(page, containing=""):
    """The fenced blocks of a page that hold a text, without their indent."""
    with open(os.path.join(ROOT, "docs", page)) as file:
        text = file.read()
    found = [body for body in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.M | re.S) if containing in body]
    if not found:
        raise RuntimeError(f"docs/{page} has no block with `{containing}`")
    return found


def block(page, containing):
    """The only one."""
    found = blocks(page, containing)
    if len(found) > 1:
        raise RuntimeError(f"docs/{page} has {len(found)} blocks with `{containing}`")
    return found[0]
