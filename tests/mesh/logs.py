"""Access logs, replayed in the mesh that they are of."""

import json
import subprocess

from waypost import PROGRAM

ROOT = "istio-system"  # where ConfigMap `istio` is

# what a MeshConfig says of access logs: Istio's default more often than others. A mesh's own format has what Envoy knows of the
# client, and an operator that drops the query
OWN = '%START_TIME% %PROTOCOL% "%REQ(:METHOD)%" "%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' \
      '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%REQ(:AUTHORITY)%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% ' \
      '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %DOWNSTREAM_PEER_URI_SAN%\n'
OWN_KEYS = {"when": "%START_TIME%", "verb": "%REQ(:METHOD)%", "uri": "%REQ(:PATH)%", "status": "%RESPONSE_CODE%", "flags": "%RESPONSE_FLAGS%",
            "details": "%RESPONSE_CODE_DETAILS%", "ended": "%CONNECTION_TERMINATION_DETAILS%", "host": "%REQ(:AUTHORITY)%",
            "cluster": "%UPSTREAM_CLUSTER_RAW%", "up": "%UPSTREAM_LOCAL_ADDRESS%", "local": "%DOWNSTREAM_LOCAL_ADDRESS%",
            "client": "%DOWNSTREAM_REMOTE_ADDRESS%", "sni": "%REQUESTED_SERVER_NAME%", "spoken": "%PROTOCOL%"}
FORMATS = [{"accessLogFile": "/dev/stdout", **own} for own in (
    {}, {}, {}, {"accessLogEncoding": "JSON"}, {"accessLogEncoding": "JSON"}, {"accessLogFormat": OWN},
    {"accessLogEncoding": "JSON", "accessLogFormat": json.dumps(OWN_KEYS)})]


def config(mesh):
    """The ConfigMap that has the MeshConfig."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio", "namespace": ROOT}, "data": {"mesh": json.dumps(mesh)}}


def write(folder, objects):
    """A mesh that can be replayed in."""
    (folder / "mesh").mkdir(parents=True, exist_ok=True)
    with open(folder / "mesh" / "mesh.yaml", "w") as f:
        f.write("\n---\n".join(json.dumps(o) for o in objects) + "\n")


def replay(folder, *logs):
    """What waypost says of logs in the mesh there."""
    run = subprocess.run([PROGRAM, "-C", str(folder), "access", "replay", "mesh", *map(str, logs), "--format", "json"], capture_output=True, text=True, check=False)
    if not run.stdout:
        raise SystemExit(f"waypost access replay ended with {run.returncode}: {run.stderr.strip()[-2000:]}")
    return json.loads(run.stdout)
