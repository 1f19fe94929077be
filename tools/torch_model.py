#!/usr/bin/env python3
"""A shipped model in PyTorch: reads its safetensors file and computes logits.

`python3 tools/torch_model.py [FOLDER of models.json]` repeats the check of every model of models.json, and
fails where a log-probability differs by more than 0.001. For masked and autoregressive models. Needs PyTorch and safetensors.
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
            card = json.loads(file.metadata().get("card", "{}"))
        objective, self.check = card.get("objective", "masked"), card.get("check")
        self.causal = objective == "autoregressive"
        assert self.causal or objective in ("masked", "span"), f"{objective} is not written here"

    @torch.no_grad()
    def __call__(self, ids, timestep=None):
        """Logits, (len, vocabulary), of token ids, (len), those of an autoregressive model from the tokens before each; the
        first diffusion time unless told otherwise."""
        weights, config = self.weights, self.config
        length, layers, heads, width = len(ids), config["n_layer"], config["n_head"], config["n_embd"]
        head_dim = width // heads
        frequency = 1.0 / 10000.0 ** (torch.arange(0, head_dim, 2) / head_dim)
        angle = torch.arange(length)[:, None] * frequency
        cos, sin = angle.cos(), angle.sin()
        hidden = torch.ones(length, length).triu(1).bool() & self.causal
        split = lambda x: x.view(length, heads, head_dim).transpose(0, 1)
        if self.causal:
            ids = [config["mask_id"], *ids[:-1]]
        x = weights["token_emb.weight"][torch.tensor(ids)]
        if (times := weights.get("timestep_emb.weight")) is not None:
            x = x + times[config["timesteps"] if timestep is None else timestep]
        x = first = norm(x)
        outputs, first_values = [], None
        for i in range(layers):
            w = lambda name: weights.get(f"blocks.{i}.{name}.weight")
            # The options of the recipes (learning.md, chapter 4), where the model has them.
            if (skip := w("skip")) is not None:
                x = x + skip[0] * outputs[2 * (layers // 2) - 1 - i]
            if (shortcut := w("shortcut")) is not None:
                x = shortcut[0, 0] * x + shortcut[0, 1] * first
            h = norm(x)
            q = norm(rotate(split(F.linear(h, w("attn.c_q"))), cos, sin))
            k = norm(rotate(split(F.linear(h, w("attn.c_k"))), cos, sin))
            v = split(F.linear(h, w("attn.c_v")))
            first_values = v if first_values is None else first_values
            if (mix := w("attn.value_mix")) is not None:
                v = v + mix[0] * (first_values - v)
            y = (q @ k.transpose(-1, -2) / head_dim**0.5).masked_fill(hidden, -torch.inf).softmax(-1) @ v
            if (gate := w("attn.gate")) is not None:
                y = y * 2 * F.linear(h[:, : gate.shape[1]], gate).sigmoid().T[:, :, None]
            x = x + F.linear(y.transpose(0, 1).reshape(length, width), w("attn.c_proj"))
            x = x + F.linear(F.linear(norm(x), w("mlp.c_fc")).clamp_min(0.0).square(), w("mlp.c_proj"))
            outputs.append(x)
        return F.linear(norm(x), weights["lm_head.weight"])


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "artifacts/models")
    for entry in json.loads((folder / "models.json").read_text()):
        model = Model((folder / entry["checkpoint"]).parent)
        check = model.check or entry["check"]
        ids = [model.config["mask_id"] if id is None else id for id in check["tokens"]]
        found = model(ids).log_softmax(-1)
        worst = max(abs(float(found[at, id]) - value) for at, id, value in check["expected"])
        print(f"{entry['id']}: {worst:.1e}")
        assert worst < 1e-3, f"{entry['id']} differs by {worst}"


if __name__ == "__main__":
    main()
