#!/usr/bin/env python3
"""`order.py` finds nothing in a record of Flux that keeps the order, and every fault that is put into it."""

import copy
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from delivery import live, order


def recorded():
    with open(os.path.join(os.path.dirname(__file__), "recorded.jsonl")) as file:
        return [json.loads(line) for line in file]


def of(records, kind, name, namespace="client"):
    """The events of an object, in order."""
    is_it = lambda m: (m["name"], m.get("namespace", "client")) == (name, namespace)
    return [r for r in records if "object" in r and r["object"]["kind"] == kind and is_it(r["object"]["metadata"])]


class Order(unittest.TestCase):
    def setUp(self):
        self.records = recorded()
        self.labelled = next(r for r in of(self.records, "Namespace", "client") if live.is_ambient(r["object"]))
        self.programmed = next(r for r in of(self.records, "Gateway", "waypoint") if live.is_programmed(r["object"]))

    def finds(self, *texts):
        found = "\n".join(order.violations(self.records))
        for text in texts:
            self.assertIn(text, found)

    def test_nothing_in_what_was_recorded(self):
        self.assertEqual(list(order.violations(self.records)), [])
        self.assertLess(self.programmed["rv"], self.labelled["rv"])

    def test_a_label_before_the_waypoint_is_programmed(self):
        self.labelled["rv"] = self.programmed["rv"] - 0.5
        self.finds("namespace client is labelled before its waypoint is Programmed")

    def test_a_label_before_the_waypoint_is_there(self):
        self.labelled["rv"] = of(self.records, "Gateway", "waypoint")[0]["rv"] - 0.5
        self.finds("namespace client is labelled and has no waypoint", "namespace client is labelled before policy allow-waypoint is there")

    def test_a_waypoint_that_was_programmed_as_it_is_no_more(self):
        for record in of(self.records, "Gateway", "waypoint"):
            record["object"]["metadata"]["generation"] += 1
        self.finds("namespace client is labelled before its waypoint is Programmed")

    def test_a_label_before_a_policy_is_accepted(self):
        for record in of(self.records, "AuthorizationPolicy", "allow-waypoint"):
            record["object"]["status"] = {"conditions": []}
        self.finds("namespace client is labelled before policy allow-waypoint is accepted")

    def test_a_restart_before_the_label(self):
        restarted = next(r for r in of(self.records, "Deployment", "sleep") if live.mode(r["object"]) == "ambient")
        restarted["rv"] = self.labelled["rv"] - 0.5
        self.finds("Deployment client/sleep restarts for ambient mode before its namespace is labelled")

    def test_a_restart_before_a_waypoint_that_is_made_late(self):
        for record in self.records:
            if "commit" in record:
                record["late"] = True
        for record in of(self.records, "Gateway", "waypoint"):
            record["object"]["status"] = {"conditions": []}
        self.assertNotIn("is labelled", "\n".join(order.violations(self.records)))
        self.finds("Deployment client/sleep restarts for ambient mode before its waypoint is Programmed")

    def test_a_restart_for_a_sidecar_before_the_label_is_gone(self):
        restarted = [r for r in of(self.records, "Deployment", "sleep") if live.mode(r["object"]) == "sidecar" and r["rv"] > self.labelled["rv"]][0]
        unlabelled = next(r for r in of(self.records, "Namespace", "client") if r["rv"] > self.labelled["rv"] and not live.is_ambient(r["object"]))
        restarted["rv"] = unlabelled["rv"] - 0.5
        self.finds("Deployment client/sleep restarts for its sidecar before its namespace injects")

    def test_what_protects_a_namespace_is_deleted(self):
        for kind, name in (("Gateway", "waypoint"), ("AuthorizationPolicy", "allow")):
            gone = copy.deepcopy(of(self.records, kind, name)[0])
            self.records.append({**gone, "type": "DELETED", "rv": self.labelled["rv"] + 0.5})
            self.finds(f"{kind} client/{name} is deleted while its namespace is ambient")

    def test_pods_of_the_wrong_kind(self):
        pod = next(r for r in self.records if "object" in r and r["object"]["kind"] == "Pod" and r["object"]["metadata"]["namespace"] == "client" and live.is_of_workload(r["object"]))
        for sidecar, rv, text in (({"sidecar.istio.io/status": "{}"}, self.labelled["rv"] + 0.5, "begins with a sidecar in an ambient"), ({}, self.labelled["rv"] - 0.5, "begins without a sidecar in a namespace that is not")):
            new = copy.deepcopy(pod)
            new["object"]["metadata"].update(name="new-" + str(rv), annotations=sidecar)
            self.records.append({**new, "type": "ADDED", "rv": rv})
            self.finds(text)


if __name__ == "__main__":
    unittest.main()
