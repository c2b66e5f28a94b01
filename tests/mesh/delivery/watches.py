"""Every change of some kinds, recorded while it happens."""

import http.client
import json
import threading
import time

from control_plane import UNVERIFIED, Refused, wait_until
from waypost import key

KINDS = [("v1", "Namespace"), ("v1", "Pod"), ("apps/v1", "Deployment"), ("gateway.networking.k8s.io/v1", "Gateway"), ("security.istio.io/v1", "AuthorizationPolicy")]
# a watch ends and begins anew after this many seconds, so that a stop is noticed
TURN = 5


class Gone(OSError):
    """The kind is not there, or no longer what it was."""


class Watches:
    """One watch for each kind, each on a thread of its own. `with Watches(plane, kinds) as watches:` records until it ends.

    An event is `{"rv", "at", "type", "object"}`. The API server counts changes of all kinds together (`rv`), so that
    the order of events of different watches is the one in which they happened; `at` is in seconds since the beginning.
    """

    def __init__(self, plane, kinds):
        self.plane, self.kinds = plane, kinds
        self.begin = time.monotonic()
        self.lock, self.ended, self.found = threading.Lock(), threading.Event(), []

    def __enter__(self):
        self.threads = []
        for api_version, kind in self.kinds:
            path = self.plane.path(api_version, kind)
            listed = self.plane.request("GET", path)
            for o in listed["items"]:
                self.take("ADDED", {"apiVersion": api_version, "kind": kind, **o})
            watch = threading.Thread(target=self.watch, args=(path, listed["metadata"]["resourceVersion"]), daemon=True)
            self.threads.append(watch)
            watch.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for watch in self.threads:
            watch.join()

    def take(self, kind, o):
        at = round(time.monotonic() - self.begin, 3)
        with self.lock:
            self.found.append({"rv": int(o["metadata"]["resourceVersion"]), "at": at, "type": kind, "object": o})

    def watch(self, path, version):
        while not self.ended.is_set():
            try:
                for event in self.turn(f"{path}?watch=1&resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds={TURN}"):
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        self.take(event["type"], event["object"])
            except Gone:
                time.sleep(0.5)
                version = self.anew(path) or version
            except (OSError, ValueError, http.client.HTTPException):
                # the API server is away; nothing is lost, since the next watch begins where this one has ended
                time.sleep(0.5)

    def anew(self, path):
        """Where a kind that is there again is watched from; nothing where it is not."""
        try:
            listed = self.plane.request("GET", path)
        except (Refused, OSError):
            return None
        for o in listed["items"]:
            self.take("MODIFIED", {"apiVersion": listed["apiVersion"], "kind": listed["kind"].removesuffix("List"), **o})
        return listed["metadata"]["resourceVersion"]

    def turn(self, path):
        connection = http.client.HTTPSConnection(self.plane.api, timeout=4 * TURN, context=UNVERIFIED)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.plane.token}"})
            answer = connection.getresponse()
            if answer.status in (404, 410):
                raise Gone(path)
            if answer.status >= 300:
                raise OSError(f"{answer.status} for {path}")
            while line := answer.readline():
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise (Gone if event["object"].get("code") == 410 else OSError)(str(event["object"]))
                yield event
        finally:
            connection.close()

    def events(self):
        """What has happened until now, in order."""
        wait_until("the watches", self.is_level)
        with self.lock:
            return sorted(self.found, key=lambda event: event["rv"])

    def is_level(self):
        """True when everything that is there, and nothing else, is what was recorded last."""
        with self.lock:
            last = {}
            for event in sorted(self.found, key=lambda event: event["rv"]):
                last[key(event["object"])] = None if event["type"] == "DELETED" else event["object"]["metadata"]["resourceVersion"]
        recorded = {k: version for k, version in last.items() if version}
        there = {}
        for api_version, kind in self.kinds:
            for o in self.listed(api_version, kind):
                there[key({"apiVersion": api_version, "kind": kind, **o})] = o["metadata"]["resourceVersion"]
        return recorded == there

    def listed(self, api_version, kind):
        """What there is of a kind; nothing where the kind is not there."""
        try:
            return self.plane.request("GET", self.plane.path(api_version, kind))["items"]
        except Refused as no:
            if no.status != 404:
                raise
            return []
