"""A person with a shell: what the guides print is typed as it stands there, each command of which must succeed."""

import os
import signal
import subprocess
import tempfile

import waypost


class Typed:
    """Commands that run in a repository's folder, with what the environment adds to this one's."""

    def __init__(self, script, folder, **environment):
        program = f'waypost() {{ "{os.path.abspath(waypost.PROGRAM)}" "$@"; }}\n'
        self.script, self.output, self.errors = script, tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        # a group of its own, so that a stop reaches all of it
        self.process = subprocess.Popen(
            ["bash", "-euxc", program + script], cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.errors, start_new_session=True
        )

    def succeed(self):
        """Waits for the end, which must be a good one; gives what was printed."""
        try:
            code = self.process.wait()
        finally:
            self.stop()
        if code:
            raise RuntimeError(f"`{self.script.strip()}` ended with {code}: {read(self.errors)[-3000:]}{read(self.output)[-2000:]}")
        return read(self.output)

    def stop(self):
        """Ends what still runs; true where all of it had succeeded before."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait() == 0


def read(file):
    file.seek(0)
    return file.read()
