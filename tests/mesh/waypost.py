"""The program under test."""

import functools
import json
import os
import subprocess
import tempfile

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("WAYPOST") or os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "debug/waypost")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

UNITS = ["platform", "tsb", "mesh", "enrollment", "workloads"]
STEPS = ["mesh", "enrollment", "workloads"]


class Failed(Exception):
    """waypost did not do what it was asked for."""


def waypost(*args, ok=(0,)):
    """Runs waypost in the repository; gives what it wrote to standard output."""
    run = subprocess.run([PROGRAM, "-C", ROOT, *args], capture_output=True, text=True, check=False)
    if run.returncode not in ok:
        raise Failed(f"waypost {' '.join(args)} ended with {run.returncode}: {run.stderr.strip()}")
    return run.stdout


def environments():
    """Every example environment, with its units and its points from nothing migrated to the end."""
    for one in json.loads(waypost("list", "--format", "json"))["include"]:
        points = ["none", *(f"{stage}/{step}" for stage in one["stages"] for step in STEPS)]
        yield one["environment"], one["clusters"], points


@functools.cache
def rendered(environment, point, unit=None):
    """What is applied at a point, as text and as objects."""
    text = waypost("render", environment, "--stdout", "--stage", point, *(["--unit", unit] if unit else []))
    return text, documents(text)


@functools.cache
def tree(environment, point):
    """A folder with the tree of a point; it is there as long as the program runs."""
    folder = tempfile.TemporaryDirectory(prefix="waypost-tree-")
    waypost("render", environment, "--stage", point, "--out", folder.name)
    return folder


def changed(environment, before, after):
    """What `waypost diff` says changes between two points."""
    folders = tree(environment, before).name, tree(environment, after).name
    out = json.loads(waypost("diff", environment, "--base", folders[0], "--head", folders[1], "--no-access", "--format", "json"))
    return {(o["group"], o["kind"], o.get("namespace", ""), o["name"]) for e in out["environments"] for o in e["objects"]}


def documents(text):
    """The objects of a YAML stream."""
    return [d for d in yaml.load_all(text, Loader) if d]


def inventory(environment):
    """What runs there already: the manifests below the environment's `inventory`."""
    folder = os.path.join(ROOT, "environments", environment, "inventory")
    found = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name)) as file:
            found += documents(file.read())
    return found


def key(o):
    """Who an object is."""
    m = o["metadata"]
    return (o["apiVersion"].rpartition("/")[0], o["kind"], m.get("namespace", ""), m["name"])


def shown(key):
    """An object as a person calls it."""
    _, kind, namespace, name = key
    return f"{kind} {namespace + '/' if namespace else ''}{name}"
