#!/usr/bin/env python3
"""Random cases for the judge: policies, one enforcement point, and requests aimed at the policies. JSON lines.

  generate.py --seed N --cases N [--requests N]
"""

import argparse
import json
import random

import meshes
import policies
from asks import Ask


def case(r, i, place, requests):
    jwt = r.random() < 0.4
    objects = [policies.authorization_policy(r, j, place, jwt) for j in range(r.choice([0, 1, 1, 2, 2, 3, 4]))]
    if jwt:
        objects += [policies.request_authentication(r, j, place) for j in range(r.choice([1, 1, 2]))]
    plaintext = False
    if place["kind"] == "sidecar" and r.random() < 0.3:
        # to ports that want plaintext no mesh client speaks TLS: there are no such ports, or no such clients
        plaintext = r.random() < 0.3
        modes = ["UNSET", "PERMISSIVE", "STRICT"] + (["DISABLE"] if plaintext else [])
        objects += [policies.peer_authentication(r, j, place, modes) for j in range(r.choice([1, 2, 3]))]
    ask = Ask(r, place, objects, jwt, plaintext)
    point = dict(place["point"])
    if r.random() < 0.3:
        point["san_check"] = True
    return {"id": f"{place['kind']}-{i}", "mesh": place["mesh"], "workload": point,
            "objects": "\n---\n".join(json.dumps(o) for o in objects + place["objects"]), "requests": [ask.one() for _ in range(requests)]}


def cases(seed, count, requests):
    r = random.Random(seed)
    places = meshes.places(r)
    weights = [{"sidecar": 40, "waypoint": 35, "gateway": 17, "gateway-api": 8}[place["kind"]] for place in places]
    for i in range(count):
        yield case(r, i, r.choices(places, weights)[0], requests)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--cases", type=int, default=100)
    a.add_argument("--requests", type=int, default=20)
    o = a.parse_args()
    for c in cases(o.seed, o.cases, o.requests):
        print(json.dumps(c))


if __name__ == "__main__":
    main()
