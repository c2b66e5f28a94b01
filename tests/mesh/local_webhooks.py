"""Turns a list of webhook configurations to istiod on loopback.

usage: python3 local_webhooks.py PORT < LIST > LIST
"""

import json
import sys

configurations = json.load(sys.stdin)
for configuration in configurations["items"]:
    for webhook in configuration["webhooks"]:
        service = webhook["clientConfig"].pop("service")
        webhook["clientConfig"]["url"] = f"https://localhost:{sys.argv[1]}{service['path']}"
        if "validation" in webhook["name"]:
            # every Istio object is judged, whatever its `istio.io/rev`
            webhook["objectSelector"] = {}
json.dump(configurations, sys.stdout)
