"""Cases to a program, and what it answers: JSON lines."""

import json
import subprocess
import sys
import tempfile


def answers(command, cases):
    with tempfile.NamedTemporaryFile("w+") as file:
        for case in cases:
            file.write(json.dumps(case) + "\n")
        file.seek(0)
        run = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{command[0]} ended with {run.returncode}: {run.stderr.strip()[-2000:]}")
    return [json.loads(line) for line in run.stdout.splitlines()]
