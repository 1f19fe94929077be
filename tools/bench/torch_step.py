#!/usr/bin/env python3
"""PyTorch f32 speed of one training step of configs/small.toml, to stand beside `trainer bench`.

Prints one JSON line: seconds of forward, masked loss, backward and AdamW (minimum and median over the
timed steps, after warm-up); with --forward of the forward pass alone; with --gemm the GFLOP/s of
the model's matrix products. Needs PyTorch only, and with --compile a C++ compiler.
"""

import argparse
import json
import statistics
import time

import torch
from torch.nn import functional as F


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--block", type=int, default=128, help="tokens per sequence")
    parser.add_argument("--batch", type=int, default=32, help="sequences per step")
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--timesteps", type=int, default=100, help="diffusion steps T")
    parser.add_argument("--steps", type=int, default=10, help="timed steps")
    parser.add_argument("--warmup", type=int, default=3, help="steps before the timed ones")
    parser.add_argument("--threads", type=int, default=0, help="0: PyTorch's default")
    parser.add_argument("--compile", action="store_true", help="with torch.compile")
    parser.add_argument("--forward", action="store_true", help="time the forward pass instead")
    parser.add_argument("--gemm", action="store_true", help="time the matrix products instead")
    return parser.parse_args()


class Model:
    """The bidirectional transformer with timestep embedding, as plain tensors."""

    def __init__(self, shape):
        self.shape = shape
        width = shape.width

        def weight(*size):
            return (0.02 * torch.randn(*size)).requires_grad_()

        self.tokens = weight(shape.vocab, width)
        self.times = weight(shape.timesteps + 1, width)
        self.layers = [
            {
                "qkv": weight(3 * width, width),
                "out": weight(width, width),
                "up": weight(4 * width, width),
                "down": weight(width, 4 * width),
            }
            for _ in range(shape.layers)
        ]
        self.head = weight(shape.vocab, width)
        half = width // shape.heads // 2
        frequency = 10000.0 ** (-torch.arange(half) / half)
        angle = torch.outer(torch.arange(shape.block).float(), frequency)
        self.cos, self.sin = angle.cos(), angle.sin()

    def parameters(self):
        layers = [matrix for layer in self.layers for matrix in layer.values()]
        return [self.tokens, self.times, *layers, self.head]

    def split(self, x):
        """[B, L, C] -> [B, heads, L, C / heads]"""
        batch, length, _ = x.shape
        return x.view(batch, length, self.shape.heads, -1).transpose(1, 2)

    def rotate(self, x):
        low, high = x.chunk(2, dim=-1)
        return torch.cat(
            (low * self.cos + high * self.sin, high * self.cos - low * self.sin), dim=-1
        )

    def hidden(self, ids, t):
        """ids [B, L], t [B] -> [B, L, C]"""
        x = norm(F.embedding(ids, self.tokens) + F.embedding(t, self.times)[:, None])
        for layer in self.layers:
            h = norm(x)
            q, k, v = (self.split(part) for part in F.linear(h, layer["qkv"]).chunk(3, dim=-1))
            q, k = norm(self.rotate(q)), norm(self.rotate(k))
            mixed = F.scaled_dot_product_attention(q, k, v)
            x = x + F.linear(mixed.transpose(1, 2).flatten(2), layer["out"])
            x = x + F.linear(F.relu(F.linear(norm(x), layer["up"])).square(), layer["down"])
        return norm(x)


def norm(x):
    return F.rms_norm(x, x.shape[-1:])


def masked_batch(shape, mask_id=2):
    """Tokens, the same with masks (linear schedule: half of them on average), timesteps."""
    clean = torch.randint(3, shape.vocab, (shape.batch, shape.block))
    t = torch.randint(1, shape.timesteps + 1, (shape.batch,))
    survival = 1 - t / shape.timesteps
    masked = torch.rand(shape.batch, shape.block) > survival[:, None]
    return clean, torch.where(masked, mask_id, clean), masked, t


def time_steps(shape):
    model = Model(shape)
    hidden = torch.compile(model.hidden) if shape.compile else model.hidden
    adamw = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.01)

    def step():
        clean, noisy, masked, t = masked_batch(shape)
        # As in the program: logits are made where there is a loss, for half of the positions.
        logits = F.linear(hidden(noisy, t)[masked], model.head)
        loss = F.cross_entropy(logits, clean[masked])
        adamw.zero_grad(set_to_none=True)
        loss.backward()
        adamw.step()

    @torch.no_grad()
    def forward():
        _, noisy, _, t = masked_batch(shape)
        F.linear(hidden(noisy, t), model.head)

    run = forward if shape.forward else step
    seconds = []
    for count in range(shape.warmup + shape.steps):
        start = time.perf_counter()
        run()
        if count >= shape.warmup:
            seconds.append(time.perf_counter() - start)
    return {
        "what": "forward pass" if shape.forward else "training step",
        "compiled": shape.compile,
        "tokens": shape.batch * shape.block,
        "seconds_median": statistics.median(seconds),
        "seconds_best": min(seconds),
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def time_gemm(shape):
    """GFLOP/s of y = x W^T for each weight shape, best of the timed runs."""
    rows, width = shape.batch * shape.block, shape.width
    sizes = {
        "qkv": (rows, 3 * width, width),
        "attention_out": (rows, width, width),
        "mlp_up": (rows, 4 * width, width),
        "mlp_down": (rows, width, 4 * width),
        "head": (rows, shape.vocab, width),
        "head_weight_gradient": (shape.vocab, width, rows),
    }
    result = {"what": "torch GEMM, f32, GFLOP/s"}
    for name, (m, n, k) in sizes.items():
        a, b, out = torch.randn(m, k), torch.randn(n, k), torch.empty(m, n)
        seconds = []
        for run in range(shape.warmup + shape.steps):
            start = time.perf_counter()
            torch.mm(a, b.t(), out=out)
            if run >= shape.warmup:
                seconds.append(time.perf_counter() - start)
        result[f"{name} {m}x{n}x{k}"] = round(2e-9 * m * n * k / min(seconds), 1)
    return result


def main():
    shape = arguments()
    torch.manual_seed(0)
    if shape.threads:
        torch.set_num_threads(shape.threads)
    if shape.gemm:
        with torch.no_grad():
            result = time_gemm(shape)
    else:
        result = time_steps(shape)
    print(json.dumps({**result, "threads": torch.get_num_threads(), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
