//! Kernels, recordings of a step, and the two devices that run one: wgpu and the CPU.
