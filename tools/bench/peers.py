#!/usr/bin/env python3
"""This program beside PyTorch on one machine, f32: each round runs all of them once, in turn, so that what
else the machine does falls on all alike. Prints a table: the median of the rounds, and how many times as
fast this program is, round by round.

Needs PyTorch for the Python that runs this, a C++ compiler for the compiled rows (--no-compile leaves
them out), and the program: cargo build --release -p trainer.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent

# Name; settings of this program; shape of PyTorch's network; whether the forward pass alone.
WORK = {
    "step-small": ("training step, small", ["--config", "small"], [], False),
    "step-seed-8": (
        "training step, seed, 8 sequences",
        ["--config", "seed", "--set", "train.batch_size=8"],
        "--layers 6 --heads 6 --width 384 --block 256 --batch 8".split(),
        False,
    ),
    "forward-small-1": ("forward pass, small, 1 sequence", ["--config", "small"], ["--batch", "1"], True),
}

# As in PyTorch: AdamW for every tensor.
ADAMW = ["--set", "optimizer.name=adamw"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK), help="what to run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="timed steps in a round")
    parser.add_argument("--trainer", default="target/release/trainer", help="this program")
    parser.add_argument("--gpu", action="store_true", help="this program on its GPU, too (a software driver counts)")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile")
    parser.add_argument("--prefix", default="", help='put before each command, such as "taskset -c 0,1"')
    parser.add_argument("--json", type=Path, help="write the seconds of all rounds into this file")
    return parser.parse_args()


def start(options, command):
    done = subprocess.run([*options.prefix.split(), *command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr.strip()}")
    return done.stdout


def ours(options, settings, forward, device):
    with tempfile.TemporaryDirectory() as folder:
        figures = os.path.join(folder, "figures.json")
        part = ["--only", "passes"] if forward else ["--only", "step", *ADAMW]
        common = ["--device", device, "--repeats", str(options.steps), "--json", figures]
        start(options, [options.trainer, "bench", *part, *settings, *common])
        with open(figures) as file:
            figures = json.load(file)
    if forward:
        return figures["passes"][0]["seconds_a_pass"]
    return figures["step"]["seconds_median"]


def torch(options, shape, forward, compiled):
    flags = ["--steps", str(options.steps * 20 if forward else options.steps)]
    flags += ["--forward"] * forward + ["--compile"] * compiled
    line = start(options, [sys.executable, str(HERE / "torch_step.py"), *shape, *flags])
    return json.loads(line)["seconds_median"]


def contenders(options, settings, shape, forward):
    found = {"this program, CPU": lambda: ours(options, settings, forward, "cpu")}
    if options.gpu:
        found["this program, GPU"] = lambda: ours(options, settings, forward, "gpu")
    found["PyTorch, eager"] = lambda: torch(options, shape, forward, False)
    if not options.no_compile:
        found["PyTorch, compiled"] = lambda: torch(options, shape, forward, True)
    return found


def main():
    options = arguments()
    figures = {}
    print("| what | who | ms | times as long as this program's CPU device |")
    print("|---|---|---|---|")
    for work in options.work:
        title, settings, shape, forward = WORK[work]
        runs = contenders(options, settings, shape, forward)
        seconds = {who: [] for who in runs}
        for _ in range(options.rounds):
            for who, run in runs.items():
                seconds[who].append(run())
        base = next(iter(seconds.values()))
        for who, of in seconds.items():
            ratios = sorted(a / b for a, b in zip(of, base))
            spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            print(f"| {title} | {who} | {1e3 * statistics.median(of):.1f} | {spread} |", flush=True)
        figures[work] = seconds
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
