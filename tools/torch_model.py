#!/usr/bin/env python3
"""A shipped model in PyTorch: reads its safetensors file and computes logits.

`python3 tools/torch_model.py [FOLDER of models.json]` repeats the check of every model in models.json, and
fails where a log-probability differs by more than 0.001. For networks without the options of the
recipes, as the shipped ones are. Needs PyTorch and safetensors.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from torch.nn import functional as F


def norm(x):
    return x / torch.sqrt(x.square().mean(-1, keepdim=True) + 2.0**-23)


def rotate(x, cos, sin):
    low, high = x.chunk(2, -1)
    return torch.cat((low * cos + high * sin, high * cos - low * sin), -1)


class Model:
    """The network of a model's folder."""

    def __init__(self, folder):
        with safe_open(Path(folder) / "model.safetensors", framework="pt") as file:
            self.weights = {name: file.get_tensor(name).float() for name in file.keys()}
            self.config = json.loads(file.metadata()["config"])

    @torch.no_grad()
    def __call__(self, ids, timestep=None):
        """Logits, (len, vocabulary), of token ids, (len); the first diffusion time unless told otherwise."""
        weights, config = self.weights, self.config
        length, heads, width = len(ids), config["n_head"], config["n_embd"]
        head_dim = width // heads
        frequency = 1.0 / 10000.0 ** (torch.arange(0, head_dim, 2) / head_dim)
        angle = torch.arange(length)[:, None] * frequency
        cos, sin = angle.cos(), angle.sin()
        split = lambda x: x.view(length, heads, head_dim).transpose(0, 1)
        time = weights["timestep_emb.weight"][config["timesteps"] if timestep is None else timestep]
        x = norm(weights["token_emb.weight"][torch.tensor(ids)] + time)
        for i in range(config["n_layer"]):
            w = lambda name: weights[f"blocks.{i}.{name}.weight"]
            h = norm(x)
            q = norm(rotate(split(F.linear(h, w("attn.c_q"))), cos, sin))
            k = norm(rotate(split(F.linear(h, w("attn.c_k"))), cos, sin))
            v = split(F.linear(h, w("attn.c_v")))
            y = (q @ k.transpose(-1, -2) / head_dim**0.5).softmax(-1) @ v
            x = x + F.linear(y.transpose(0, 1).reshape(length, width), w("attn.c_proj"))
            x = x + F.linear(F.linear(norm(x), w("mlp.c_fc")).clamp_min(0.0).square(), w("mlp.c_proj"))
        return F.linear(norm(x), weights["lm_head.weight"])


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "artifacts/models")
    for entry in json.loads((folder / "models.json").read_text()):
        model = Model((folder / entry["checkpoint"]).parent)
        ids = [model.config["mask_id"] if id is None else id for id in entry["check"]["tokens"]]
        found = model(ids).log_softmax(-1)
        worst = max(abs(float(found[at, id]) - value) for at, id, value in entry["check"]["expected"])
        print(f"{entry['id']}: {worst:.1e}")
        assert worst < 1e-3, f"{entry['id']} differs by {worst}"


if __name__ == "__main__":
    main()
