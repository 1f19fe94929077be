#!/usr/bin/env python3
"""Reads cargo's messages and prints name and path of every test program that runs shaders: those that `cargo xtask test` runs on
each driver."""
import json
import pathlib
import re
import sys

source = pathlib.Path(__file__).parents[2] / "xtask/src/test.rs"
names = re.search(r"const ON_EACH_DRIVER: [^=]*= \[(.*?)\];", source.read_text(), re.S)
wanted = set(re.findall(r'"(\w+)"', names[1]))

for line in sys.stdin:
    message = json.loads(line)
    target = message.get("target", {})
    if message.get("executable") and target.get("kind") == ["test"] and target["name"] in wanted:
        print(target["name"], message["executable"])
