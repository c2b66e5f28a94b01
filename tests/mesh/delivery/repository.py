"""The repository that an applier reads: an example environment's spec, and what waypost renders of it, commit by commit."""

import os
import re
import shutil
import subprocess
import tempfile

from git_http import GitServer
from waypost import PROGRAM, ROOT, UNITS, Failed, documents, key

CLUSTER = "cp-cluster-1"


class Repository:
    """`with Repository("brownfield") as repository:` has the spec in it, and serves it over http; nothing is committed."""

    def __init__(self, environment):
        self.environment = environment

    def __enter__(self):
        self.above = tempfile.TemporaryDirectory(prefix="waypost-git-")
        self.folder = os.path.join(self.above.name, "mesh")
        self.server = GitServer(self.above.name).__enter__()
        self.url = f"{self.server.url}/mesh/.git"
        self.spec = os.path.join(self.folder, "environments", self.environment, "environment.yaml")
        shutil.copytree(os.path.join(ROOT, "environments", self.environment), os.path.dirname(self.spec))
        self.git("init", "--quiet", "--initial-branch=main")
        self.edit(r"repoURL: .*", f"repoURL: {self.url}")
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        self.above.cleanup()

    def git(self, *args):
        who = ["-c", "user.name=night", "-c", "user.email=night@example.com", "-c", "commit.gpgSign=false"]
        run = subprocess.run(["git", "-C", self.folder, *who, *args], capture_output=True, text=True, check=True)
        return run.stdout.strip()

    def edit(self, pattern, replacement):
        """Replaces one text of the spec, which must be there."""
        with open(self.spec) as file:
            text, count = re.subn(pattern, replacement, file.read(), count=1)
        if not count:
            raise RuntimeError(f"the spec of {self.environment} has no `{pattern}`")
        with open(self.spec, "w") as file:
            file.write(text)

    def patch(self, target, *operations):
        """Adds a patch to the spec."""
        self.patches(f"  patches:\n  - target: {target}\n    patch: |\n" + "".join(f"      - {o}\n" for o in operations))

    def patches(self, block):
        """Adds patches to the spec, which ends with them, as the guides write them."""
        with open(self.spec) as file:
            text = file.read()
        head, _, entries = block.partition("  patches:\n")
        if head or not entries:
            raise RuntimeError(f"no patches: {block}")
        with open(self.spec, "w") as file:
            file.write(text + (entries if "\n  patches:\n" in text else block))

    def rival(self, name):
        """Another environment that has the same objects; gives what appliers are told of it."""
        folder = os.path.join(self.folder, "environments", name)
        shutil.copytree(os.path.dirname(self.spec), folder)
        path = os.path.join(folder, "environment.yaml")
        with open(path) as file:
            text = re.sub(r"reached: .*", "reached: none", file.read())
        with open(path, "w") as file:
            file.write(text.replace(f"name: {self.environment}\n", f"name: {name}\n", 1))
        self.render(environment=name)

    def render(self, *flags, environment=None):
        """Renders a spec into the work tree."""
        run = subprocess.run([PROGRAM, "-C", self.folder, "render", environment or self.environment, *flags], capture_output=True, text=True, check=False)
        if run.returncode:
            raise Failed(f"waypost render {' '.join(flags)} ended with {run.returncode}: {run.stderr.strip()}")

    def commit(self, message):
        """Commits the work tree; gives the commit's name."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def reach(self, point):
        """A pull request that is merged: the spec says how far it has come, the tree is rendered, both are committed."""
        self.edit(r"reached: .*", f"reached: {point}")
        # going back takes waypoints and policies away, which a render does not do unasked
        self.render("--allow-shrink")
        return self.commit(f"{self.environment} reaches {point}")

    def reached(self):
        """How far the spec has come."""
        with open(self.spec) as file:
            return re.search(r"reached: (.*)", file.read())[1]

    def told(self, applier):
        """The folder of what an applier is told."""
        return os.path.join(self.folder, "gitops", applier, self.environment, *([CLUSTER] if applier == "flux" else []))

    def name_of(self, unit):
        """The name of a unit's Application or Kustomization."""
        return f"{self.environment}-{CLUSTER}-{unit}"

    def unit(self, unit):
        """The folder of a unit."""
        return os.path.join(self.folder, "rendered", self.environment, CLUSTER, unit)

    def objects(self):
        """What is applied of the work tree: objects by unit and key."""
        return {unit: {key(o): o for o in built(self.unit(unit))} for unit in UNITS if os.path.isdir(self.unit(unit))}


def built(folder):
    """What a kustomization builds."""
    run = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True)
    return documents(run.stdout)
