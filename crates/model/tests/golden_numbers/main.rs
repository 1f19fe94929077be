//! The whole step against golden numbers of an independent PyTorch implementation: activations,
//! logits, loss, every gradient, parameters after AdamW steps; on the oracle, the CPU device and
//! the GPU.

mod fixture;
mod full;
mod small;
