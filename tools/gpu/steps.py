#!/usr/bin/env python3
"""How many steps fit into some minutes, by the speed of a short run: steps.py RUN_FOLDER MINUTES"""
import json
import pathlib
import statistics
import sys
import tomllib

run, minutes = pathlib.Path(sys.argv[1]), float(sys.argv[2])
settings = tomllib.loads((run / "settings.toml").read_text())
tokens = settings["train"]["batch_size"] * settings["train"]["accumulation"] * settings["model"]["block_size"]


def speeds(value):
    """Every tokens_per_second in a record."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "tokens_per_second" and inner:
                yield inner
            yield from speeds(inner)


measured = [speed for line in (run / "log.jsonl").open() for speed in speeds(json.loads(line))]
# Kernels are compiled during the first steps.
speed = statistics.median(measured[1:] or measured)
print(f"{speed:.0f} tokens/s, {tokens} tokens a step", file=sys.stderr)
print(max(20, int(speed * 60 * minutes * 0.95 / tokens) // 10 * 10))
