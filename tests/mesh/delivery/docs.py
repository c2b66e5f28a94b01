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


def typed(page, containing):
    """What a page tells people to type in the middle of a sentence, on one line."""
    with open(os.path.join(ROOT, "docs", page)) as file:
        text = re.sub(r"^```.*?^```", "", file.read(), flags=re.M | re.S)
    found = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text) if containing in " ".join(code.split())]
    if len(found) != 1:
        raise RuntimeError(f"docs/{page} says {len(found)} times `{containing}`")
    return found[0]


def block(page, containing):
    """The only one."""
    found = blocks(page, containing)
    if len(found) > 1:
        raise RuntimeError(f"docs/{page} has {len(found)} blocks with `{containing}`")
    return found[0]
