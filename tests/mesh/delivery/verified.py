"""`waypost verify` on dumps that were taken from the mesh as it says how."""

import json
import os
import shlex
import subprocess
import tempfile

from waypost import PROGRAM


def commands(repository):
    """The commands that take the dumps; there is no ztunnel here to ask."""
    said = run(repository, "--commands")[1]
    lines = [shlex.split(line) for line in said.splitlines()]
    return [words for words in lines if words[:2] == ["kubectl", "get"]]


def verify(plane, repository, *args):
    """What verify says of the mesh as it is: its exit code, the rows that are not so, the findings."""
    with tempfile.TemporaryDirectory(prefix="waypost-dump-") as folder:
        for number, words in enumerate(commands(repository)):
            code, text, _ = plane.kubectl(*words[1:], check=False)
            # the kinds of an applier that is not there
            if code == 0:
                with open(os.path.join(folder, f"{number}.json"), "w") as file:
                    file.write(text)
        code, text = run(repository, folder, "--format", "json", *args)
    value = json.loads(text)
    return code, [r for r in value["rows"] if r["answer"] == "NO"], value["findings"]


def run(repository, *args):
    words = [PROGRAM, "-C", repository.folder, "verify", repository.environment, *args]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3) or not done.stdout:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return done.returncode, done.stdout
