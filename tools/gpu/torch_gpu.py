#!/usr/bin/env python3
"""PyTorch's training step of `seed` and `small` on a CUDA card, to stand beside `trainer bench`: f32, TF32 and bf16, eager and
compiled. AdamW in all of them. Needs PyTorch with CUDA."""
import time

import torch
from torch.nn import functional as F

TIMESTEPS = 100
# Layers, heads, channels, length, vocabulary; sequences of a step.
MODELS = {"seed": ((6, 6, 384, 256, 2048), 64), "small": ((4, 4, 256, 128, 2048), 32)}
# Compiled, TF32, bf16.
MODES = [(False, False, False), (False, True, False), (False, True, True), (True, True, True)]


def norm(x):
    return F.rms_norm(x, (x.shape[-1],))


class Network(torch.nn.Module):
    def __init__(self, layers, heads, channels, length, vocabulary):
        super().__init__()
        self.heads, self.width = heads, channels // heads

        def weights(*size):
            return torch.nn.Parameter(0.02 * torch.randn(*size))

        self.tokens, self.head = weights(vocabulary, channels), weights(vocabulary, channels)
        self.times = weights(TIMESTEPS + 1, channels)
        self.blocks = torch.nn.ModuleList()
        for _ in range(layers):
            block = torch.nn.Module()
            block.qkv, block.out = weights(3 * channels, channels), weights(channels, channels)
            block.up, block.down = weights(4 * channels, channels), weights(channels, 4 * channels)
            self.blocks.append(block)
        frequencies = 10000 ** (-torch.arange(self.width // 2).float() * 2 / self.width)
        angles = torch.outer(torch.arange(length).float(), frequencies)
        self.register_buffer("cos", angles.cos()[None, :, None])
        self.register_buffer("sin", angles.sin()[None, :, None])

    def rotate(self, x):
        lo, hi = x.chunk(2, -1)
        return torch.cat([lo * self.cos + hi * self.sin, hi * self.cos - lo * self.sin], -1)

    def forward(self, ids, times, targets, mask):
        batch, length = ids.shape
        x = norm(self.tokens[ids] + self.times[times][:, None])
        for block in self.blocks:
            q, k, v = F.linear(norm(x), block.qkv).view(batch, length, 3, self.heads, self.width).unbind(2)
            q, k = norm(self.rotate(q)).to(v.dtype), norm(self.rotate(k)).to(v.dtype)
            y = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
            x = x + F.linear(y.transpose(1, 2).reshape(batch, length, -1), block.out)
            x = x + F.linear(F.relu(F.linear(norm(x), block.up)) ** 2, block.down)
        logits = F.linear(norm(x), self.head).float().flatten(0, 1)
        loss = F.cross_entropy(logits, targets.flatten(), reduction="none")
        return (loss * mask.flatten()).sum() / mask.sum()


def measure(name, shape, batch, compiled, tf32, bf16, steps=20, warm_up=5):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.cuda.reset_peak_memory_stats()
    torch.manual_seed(0)
    *_, length, vocabulary = shape
    network = Network(*shape).cuda()
    loss_of = torch.compile(network) if compiled else network
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-4, fused=True)
    ids = torch.randint(vocabulary, (batch, length), device="cuda")
    times = torch.randint(1, TIMESTEPS + 1, (batch,), device="cuda")
    mask = (torch.rand(batch, length, device="cuda") < 0.5).float()
    seconds = []
    for _ in range(steps + warm_up):
        torch.cuda.synchronize()
        start = time.perf_counter()
        with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
            loss = loss_of(ids, times, ids, mask)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    seconds = sorted(seconds[warm_up:])
    tokens = batch * length
    mode = f"{'compiled' if compiled else 'eager'} {'bf16' if bf16 else 'TF32' if tf32 else 'f32'}"
    memory = torch.cuda.max_memory_allocated() / 2**20
    print(f"{name:6}{mode:15}{tokens / seconds[len(seconds) // 2]:12,.0f} tokens/s median"
          f"{tokens / seconds[0]:12,.0f} best{memory:8,.0f} MiB", flush=True)


for name, (shape, batch) in MODELS.items():
    for mode in MODES:
        try:
            measure(name, shape, batch, *mode)
        except Exception as error:  # One mode that a card lacks must not hide the others.
            print(f"{name} {mode} failed: {error}", flush=True)
