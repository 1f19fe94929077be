//! The network: configuration, tensors, forward and backward pass, checkpoint.
