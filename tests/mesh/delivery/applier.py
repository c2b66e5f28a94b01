"""What appliers have in common: processes."""

import os
import signal


class Applier:
    """An applier whose controllers run beside a control plane; `processes` names them."""

    processes = ()
    # the parts of `run --delivery` that it is tried with
    parts = ("story", "verify", "faults", "order")
    # the part of `typed` that is of its guide
    guide = None
    # the stages that its story goes through, forth and back
    stages = ("client", "httpbin", "bookinfo")
    # whether somebody changes the cluster by hand meanwhile
    drifts = True
    # whether it comes to an end without what keeps the order
    settles_broken = True
    # whether somebody makes waypoints once a namespace is labelled, and what that is
    makes_waypoints_late, made_beside = False, frozenset()
    # the page and the command that list what is waited for, once that has failed
    lists = None
    # whether a new commit ends the health checks of the one before
    cancels_checks = False
    # whether it waits for ztunnel and istio-cni by itself
    sees_data_plane = False
    # the faults that it is tried with, by name; all where none is named
    faults = ()

    def merged(self, units_first=False):
        """A pull request was merged, and a webhook tells of it."""
        self.announce(units_first)

    def go_on(self):
        """Somebody goes on as the guide says; nothing where nobody has to."""

    def pause(self):
        """It sleeps, and undoes nothing meanwhile."""
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        for name in self.processes:
            with open(os.path.join(self.plane.folder, f"{name}.pid")) as file:
                os.kill(int(file.read()), number)
