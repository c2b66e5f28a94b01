"""`run --delivery`: what each applier does, on a control plane of its own."""

import time

from control_plane import ControlPlane
from report import Report

from . import broken, faults, planted, story, typed
from .argocd import ArgoCd, Progressive
from .by_hand import ByHand
from .flux import Flux
from .flux_forms import OciArtifact, Older, TsbWaypoints

APPLIERS = {"flux": Flux, "flux-2.8": Older, "flux-tsb-waypoints": TsbWaypoints, "flux-oci": OciArtifact, "argocd": ArgoCd, "argocd-progressive": Progressive, "by-hand": ByHand}
# every part begins and ends with nothing migrated
PARTS = {
    "story": lambda told, options: told.forth_and_back(),
    "verify": lambda told, options: planted.run(told),
    "faults": lambda told, options: faults.run(told, options.seed),
    "order": lambda told, options: broken.run(told),
    "typed": lambda told, options: getattr(typed, told.applier.guide)(told),
}


def run(options):
    """Runs what is asked for; true when all agreed."""
    agreed = True
    for name, applier in APPLIERS.items():
        if options.applier in (None, name):
            agreed &= one(name, applier, options)
    return agreed


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
