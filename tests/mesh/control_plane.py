"""The control plane that `up` starts, as its users see it: the API server over HTTP, kubectl, istiod."""

import http.client
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
# what a loaded machine may need; nothing waits this long unless something is wrong
DEADLINE = 180


# it is on loopback, with a certificate of its own
UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE


class Refused(Exception):
    """The API server said no."""

    def __init__(self, status, body):
        self.status = status
        self.message = body.get("message", str(body)) if isinstance(body, dict) else str(body)
        super().__init__(f"{status}: {self.message}")


def wait_until(what, holds, deadline=DEADLINE):
    """Waits for a condition; its last answer is part of the complaint. Gives back what held."""
    end = time.monotonic() + deadline
    pause = 0.05
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"waited {deadline} s for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 1)


class ControlPlane:
    """One control plane. `with ControlPlane() as plane:` starts it and ends it."""

    def __init__(self, api_only=False):
        self.api_only = api_only
        self._local = threading.local()
        self._paths = {}

    def __enter__(self):
        self.folder = os.path.join(tempfile.mkdtemp(prefix="waypost-mesh-"), "plane")
        try:
            subprocess.run([os.path.join(HERE, "up"), *(["--api"] if self.api_only else []), self.folder], check=True)
            self.attach(self.folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run([os.path.join(HERE, "down"), self.folder], check=False)
        shutil.rmtree(os.path.dirname(self.folder), ignore_errors=True)

    def attach(self, folder):
        """Uses what `up` has started in a folder."""
        self.folder = folder
        self.kubeconfig = os.path.join(folder, "kubeconfig")
        config = yaml.safe_load(self._read("kubeconfig"))
        self.api = urllib.parse.urlsplit(config["clusters"][0]["cluster"]["server"]).netloc
        self.token = config["users"][0]["user"]["token"]
        self.istiod = self._read("istiod.url")
        return self

    def _read(self, name):
        with open(os.path.join(self.folder, name)) as file:
            return file.read().strip()

    # the API server

    def request(self, method, path, body=None, content="application/json"):
        """One request on this thread's connection. Gives the answer's JSON; `Refused` is a no."""
        data = None if body is None else body if isinstance(body, (bytes, str)) else json.dumps(body)
        for attempt in (0, 1):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = http.client.HTTPSConnection(self.api, timeout=DEADLINE, context=UNVERIFIED)
            try:
                headers = {"Content-Type": content, "Accept": "application/json", "Authorization": f"Bearer {self.token}"}
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                text = answer.read()
                break
            except (http.client.HTTPException, OSError):
                # a connection that the other side has closed meanwhile
                self._local.connection = None
                if attempt:
                    raise
        try:
            value = json.loads(text)
        except ValueError:
            value = text.decode(errors="replace")
        if answer.status >= 300:
            raise Refused(answer.status, value)
        return value

    def path(self, api_version, kind, namespace=None, name=None):
        """Where objects of a kind are."""
        group = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if (group, kind) not in self._paths:
            for resource in self.request("GET", group)["resources"]:
                if "/" not in resource["name"]:
                    self._paths[group, resource["kind"]] = (resource["name"], resource["namespaced"])
        plural, namespaced = self._paths[group, kind]
        place = f"/namespaces/{namespace or 'default'}" if namespaced and (namespace or name) else ""
        return f"{group}{place}/{plural}" + (f"/{name}" if name else "")

    def path_of(self, o):
        """Where an object is."""
        m = o["metadata"]
        return self.path(o["apiVersion"], o["kind"], m.get("namespace"), m["name"])

    def get(self, o):
        return self.request("GET", self.path_of(o))

    def create(self, o, query=""):
        m = o.get("metadata") or {}
        path = self.path(o["apiVersion"], o["kind"], m.get("namespace") or "default")
        return self.request("POST", path + query, o)

    def list(self, api_version, kind, namespace=None):
        return self.request("GET", self.path(api_version, kind, namespace)).get("items") or []

    def merge(self, o, part, subresource=""):
        """Merges a part into what is there."""
        return self.request("PATCH", self.path_of(o) + subresource, part, "application/merge-patch+json")

    def kubectl(self, *args, stdin=None, check=True):
        """Runs kubectl; gives its exit code, standard output and standard error."""
        run = subprocess.run(["kubectl", "--kubeconfig", self.kubeconfig, "--cache-dir", os.path.join(self.folder, "kubectl"), *args], input=stdin, capture_output=True, text=True, check=False)
        if check and run.returncode:
            raise RuntimeError(f"kubectl {' '.join(args[:4])}: {run.stderr.strip()}")
        return run.returncode, run.stdout, run.stderr

    # istiod

    def ambientz(self):
        """What istiod tells ztunnel now."""
        with urllib.request.urlopen(self.istiod + "/debug/ambientz", timeout=DEADLINE) as answer:
            return json.load(answer)

    def version(self):
        """Which istiod and which API server these are."""
        with open(os.path.join(HERE, "istio", "go.mod")) as file:
            istio = next(line.split()[1] for line in file if line.strip().startswith("istio.io/istio "))
        return f"istiod {istio}, kube-apiserver {self.request('GET', '/version')['gitVersion']}"

    def set_mesh_config(self, **settings):
        """Sets fields of the mesh configuration, which istiod watches."""
        at = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "istio-system", "name": "istio"}}
        mesh = yaml.safe_load(self.get(at)["data"]["mesh"])
        mesh.update(settings)
        self.merge(at, {"data": {"mesh": yaml.safe_dump(mesh)}})


def in_parallel(work, items, threads=8):
    """Does it for each, several at a time; the results in order."""
    with ThreadPoolExecutor(threads) as pool:
        try:
            return list(pool.map(work, items))
        except BaseException:
            # a stop does not wait for what has not begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise
