"""`run --delivery`: what each applier does, on a control plane of its own, two of them at a time."""

import os
import subprocess
import sys
import tempfile
import time

from control_plane import ControlPlane
from report import Report

from . import broken, faults, planted, story, typed
from .argocd import ArgoCd, Automatic, Progressive
from .by_hand import ByHand
from .flux import Flux
from .flux_forms import OciArtifact, Older, TsbWaypoints

# the longest first
APPLIERS = {"flux": Flux, "argocd": ArgoCd, "argocd-progressive": Progressive, "argocd-automatic": Automatic, "by-hand": ByHand, "flux-2.8": Older, "flux-tsb-waypoints": TsbWaypoints, "flux-oci": OciArtifact}
# every part begins and ends with nothing migrated
PARTS = {
    "story": lambda told, options: told.forth_and_back(),
    "verify": lambda told, options: planted.run(told),
    "faults": lambda told, options: faults.run(told, options.seed),
    "order": lambda told, options: broken.run(told),
    "typed": lambda told, options: getattr(typed, told.applier.guide)(told),
}
# they wait more than they compute
AT_ONCE = 2


def run(options):
    """Runs what is asked for; true when all agreed."""
    if options.applier:
        return one(options.applier, APPLIERS[options.applier], options)
    if options.record:
        raise SystemExit("--record is of one applier: name it with --applier")
    told = ["--delivery", "--seed", str(options.seed), *(["--part", options.part] if options.part else [])]
    waiting, running, agreed = list(APPLIERS), {}, True
    try:
        while waiting or running:
            for lane in range(AT_ONCE):
                if lane not in running and waiting:
                    running[lane] = Beside(waiting.pop(0), told, lane)
                elif lane in running and running[lane].process.poll() is not None:
                    agreed &= running.pop(lane).end()
            time.sleep(0.5)
    finally:
        for beside in running.values():
            beside.process.terminate()
            beside.process.wait()
    return agreed


class Beside:
    """One applier in a process of its own; what it prints is shown when it has ended."""

    def __init__(self, name, told, lane):
        print(f"{name}: begins", flush=True)
        self.output = tempfile.TemporaryFile("w+")
        program = [sys.executable, sys.argv[0], *told, "--applier", name]
        self.process = subprocess.Popen(program, env={**os.environ, "WAYPOST_MESH_LANE": str(lane)}, stdout=self.output, stderr=subprocess.STDOUT)

    def end(self):
        self.output.seek(0)
        print(self.output.read(), flush=True)
        return self.process.returncode == 0


def one(name, applier, options):
    """One applier."""
    begin = time.monotonic()
    with ControlPlane() as plane:
        print(f"control plane up in {time.monotonic() - begin:.0f} s")
        report = Report(f"delivery: {name}")
        with story.begun(plane, report, applier) as told:
            for part, work in PARTS.items():
                if (options.part or part) == part and part in applier.parts:
                    print(f"\n-- {name}: {part}", flush=True)
                    work(told, options)
            told.end(options.record)
        return report.end()
