"""The order violated on purpose: without what keeps it, the record must show that something came too early."""

from control_plane import wait_until

from . import order


def run(story):
    """Takes away one of what keeps the order at a time, moves a namespace in one commit, and goes back."""
    for what, patches in story.applier.keeps_order.items():
        base = story.repository.git("rev-parse", "HEAD")
        for one in patches:
            if isinstance(one, str):
                story.repository.edit(one, "\n")
            else:
                story.repository.patch(*one)
        story.applier.told_anew(story.reach("none"))
        commit = story.repository.reach("client")
        story.broken.add(commit[:7])
        story.wants(commit)
        story.applier.announce(units_first=True)

        def seen():
            return [fault for fault in order.violations(story.commits + story.watches.events()) if fault[:7] == commit[:7]]

        if story.applier.settles_broken:
            story.applier.settle(commit)
            story.rest()
        else:
            wait_until(f"something to come too early without {what}", seen)
        mine = seen()
        for fault in mine:
            print(f"   without {what}: {fault}", flush=True)
        story.report.expect(mine, f"{story.applier.name}: nothing came too early without {what}")
        story.report.count("orders broken on purpose")
        back(story, base)


def back(story, base):
    """What keeps the order is there again; then the labels go, and the waypoint after them."""
    story.repository.git("read-tree", "-u", "--reset", base)
    for point in ("client/mesh", "none"):
        commit = story.repository.reach(point)
        story.applier.told_anew(commit)
        story.follow(commit, point)
