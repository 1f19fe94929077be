//! The whole step against golden numbers of an independent PyTorch implementation: activations,
//! logits, loss, every gradient, parameters after AdamW steps, a learning curve; on the oracle, the CPU device and
//! the GPU.

mod causal;
mod curve;
mod fixture;
mod followed;
mod full;
mod hash;
mod matrix;
mod network;
mod small;
mod step;
