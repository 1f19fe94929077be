//! Noise schedules, objectives, samplers and metrics of masked diffusion.
