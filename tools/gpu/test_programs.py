#!/usr/bin/env python3
"""Reads cargo's messages and prints name and path of every test program that runs shaders."""
import json
import sys

WANTED = {"attention", "batches", "gemm", "golden_numbers", "muon", "network", "sampling", "sampling_parts", "training"}

for line in sys.stdin:
    message = json.loads(line)
    target = message.get("target", {})
    if message.get("executable") and target.get("kind") == ["test"] and target["name"] in WANTED:
        print(target["name"], message["executable"])
