#!/usr/bin/env python3
"""Golden numbers of a network with every option: logits, loss and gradients, from PyTorch in f64.

Writes network.json and network.safetensors, which crates/diffusion/tests/golden_numbers compares
with the program's own passes. Weights and batch follow from a hash formula, so that the files hold
results only. Written from the papers, without a look at the program's kernels. Needs PyTorch.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

LAYERS, HEADS, WIDTH, LENGTH, VOCABULARY, TIMESTEPS, MASK = 5, 2, 24, 13, 31, 10, 2
BATCH, SEED, AMPLITUDE, GATE_CHANNELS = 3, 23, 0.5, 12
HALF = LAYERS // 2


def tensors():
    """Names and shapes in canonical order; a tensor's place is its hash stream."""
    yield "token_emb.weight", (VOCABULARY, WIDTH)
    for i in range(LAYERS):
        for name in ("c_q", "c_k", "c_v", "c_proj"):
            yield f"blocks.{i}.attn.{name}.weight", (WIDTH, WIDTH)
        yield f"blocks.{i}.mlp.c_fc.weight", (4 * WIDTH, WIDTH)
        yield f"blocks.{i}.mlp.c_proj.weight", (WIDTH, 4 * WIDTH)
    yield "lm_head.weight", (VOCABULARY, WIDTH)
    for i in range(LAYERS):
        if HALF <= i < 2 * HALF:
            yield f"blocks.{i}.skip.weight", (1, 1)
        yield f"blocks.{i}.shortcut.weight", (1, 2)
        if i > 0:
            yield f"blocks.{i}.attn.value_mix.weight", (1, 1)
        yield f"blocks.{i}.attn.gate.weight", (HEADS, GATE_CHANNELS)


def mix64(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def unit(stream, count):
    """`count` numbers in [0, 1) with 24 bits: two nested outputs of splitmix64."""
    gamma, one = np.uint64(0x9E3779B97F4A7C15), np.uint64(1)
    with np.errstate(over="ignore"):
        base = mix64(np.uint64(SEED) + gamma * (np.uint64(stream) + one))
        words = mix64(base + gamma * (np.arange(count, dtype=np.uint64) + one))
    return (words >> np.uint64(40)).astype(np.float64) * 2.0**-24


def parameters(dtype):
    weights = {}
    for stream, (name, shape) in enumerate(tensors()):
        numbers = (2.0 * unit(stream, int(np.prod(shape))) - 1.0).astype(np.float32)
        values = (numbers * np.float32(AMPLITUDE)).reshape(shape)
        weights[name] = torch.from_numpy(values).to(dtype).requires_grad_()
    return weights


def batch():
    count = BATCH * LENGTH
    clean = 3 + np.floor(unit(1000, count) * (VOCABULARY - 3)).astype(np.int64)
    masked = unit(1001, count) < 0.5
    noisy = np.where(masked, MASK, clean)
    return [torch.from_numpy(part.reshape(BATCH, LENGTH)) for part in (noisy, clean, masked)]


def norm(x):
    return x / torch.sqrt(x.square().mean(-1, keepdim=True) + 2.0**-23)


def rotate(x, cos, sin):
    low, high = x.chunk(2, -1)
    return torch.cat((low * cos + high * sin, high * cos - low * sin), -1)


def logits(weights, ids):
    dtype = weights["lm_head.weight"].dtype
    head_dim = WIDTH // HEADS
    # As in the program's table: every operation in f32.
    frequency = 1.0 / 10000.0 ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
    angle = torch.arange(LENGTH, dtype=torch.float32)[:, None] * frequency
    cos, sin = angle.cos().to(dtype), angle.sin().to(dtype)

    def heads(x):
        return x.view(BATCH, LENGTH, HEADS, head_dim).transpose(1, 2)

    embedded = norm(weights["token_emb.weight"][ids])
    x, outputs, first = embedded, [], None
    for i in range(LAYERS):
        w = lambda name: weights[f"blocks.{i}.{name}.weight"]
        if HALF <= i < 2 * HALF:
            x = x + w("skip")[0, 0] * outputs.pop()
        x = w("shortcut")[0, 0] * x + w("shortcut")[0, 1] * embedded
        h = norm(x)
        q = norm(rotate(heads(F.linear(h, w("attn.c_q"))), cos, sin))
        k = norm(rotate(heads(F.linear(h, w("attn.c_k"))), cos, sin))
        v = heads(F.linear(h, w("attn.c_v")))
        if first is None:
            first = v
        else:
            v = v + w("attn.value_mix")[0, 0] * (first - v)
        scores = q @ k.transpose(-1, -2) / head_dim**0.5
        y = (scores.softmax(-1) @ v).transpose(1, 2)
        gates = 2.0 * torch.sigmoid(h[..., :GATE_CHANNELS] @ w("attn.gate").T)
        y = (y * gates[..., None]).reshape(BATCH, LENGTH, WIDTH)
        x = x + F.linear(y, w("attn.c_proj"))
        x = x + F.linear(F.linear(norm(x), w("mlp.c_fc")).clamp_min(0.0).square(), w("mlp.c_proj"))
        if i < HALF:
            outputs.append(x)
    return F.linear(norm(x), weights["lm_head.weight"])


def run(dtype):
    """Logits, loss and gradients by name, as f64."""
    weights = parameters(dtype)
    noisy, clean, masked = batch()
    scores = logits(weights, noisy)
    loss = F.cross_entropy(scores[masked], clean[masked])
    loss.backward()
    results = {"act.logits": scores.detach(), "loss": loss.detach()}
    results |= {f"grad.{name}": weight.grad for name, weight in weights.items()}
    return {name: value.double() for name, value in results.items()}


def save(path, arrays):
    """A safetensors file."""
    header, data = {}, b""
    for name, array in arrays.items():
        kind = {"float32": "F32", "uint32": "U32", "uint8": "U8"}[str(array.dtype)]
        start, data = len(data), data + array.tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [start, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "crates/diffusion/tests/golden")
    exact, rounded = run(torch.float64), run(torch.float32)
    noisy, clean, masked = batch()
    arrays = {"xt": noisy, "x0": clean}
    arrays = {name: ids.numpy().astype(np.uint32) for name, ids in arrays.items()}
    arrays["mask"] = masked.numpy().astype(np.uint8)
    arrays |= {k: v.numpy().astype(np.float32) for k, v in exact.items() if k != "loss"}
    save(folder / "network.safetensors", arrays)
    deviation = {
        name: {"max_abs": float((rounded[name] - value).abs().max())}
        for name, value in exact.items()
    }
    config = {
        "n_layer": LAYERS,
        "n_head": HEADS,
        "n_embd": WIDTH,
        "block_size": LENGTH,
        "vocab_size": VOCABULARY,
        "timesteps": TIMESTEPS,
        "mask_id": MASK,
        "timestep_embedding": False,
        "value_mixing": True,
        "embedding_shortcut": True,
        "skips": True,
        "head_gates": True,
    }
    facts = {
        "config": config,
        "seed": SEED,
        "amplitude": AMPLITUDE,
        "loss": float(exact["loss"]),
        "f32_deviation": deviation,
    }
    (folder / "network.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
