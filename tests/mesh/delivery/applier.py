"""What appliers have in common: processes."""

import os
import signal


class Applier:
    """An applier whose controllers run beside a control plane; `processes` names them."""

    processes = ()
    # the parts of `run --delivery` that it is tried with
    parts = ("story", "verify", "faults", "order")
    # the faults that it is tried with, by name; all where none is named
    faults = ()

    def pause(self):
        """It sleeps, and undoes nothing meanwhile."""
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        for name in self.processes:
            with open(os.path.join(self.plane.folder, f"{name}.pid")) as file:
                os.kill(int(file.read()), number)
