//! Reproducible numbers: two nested splitmix64 outputs of a seed, a stream and an index.

use model::Config;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Element `index` of the numbers of `stream`.
pub(crate) fn hash(seed: u64, stream: u64, index: u64) -> u64 {
    const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let base = mix(seed.wrapping_add(GAMMA.wrapping_mul(stream + 1)));
    mix(base.wrapping_add(GAMMA.wrapping_mul(index + 1)))
}

/// The same, in [0, 1): its upper 24 bits.
pub(crate) fn unit(seed: u64, stream: u64, index: u64) -> f64 {
    (hash(seed, stream, index) >> 40) as f64 * 2f64.powi(-24)
}

/// Flat parameters between -`amplitude` and `amplitude`; a tensor's number is its stream.
pub(crate) fn weights(config: &Config, seed: u64, amplitude: f32) -> Vec<f32> {
    let mut values = vec![0.0; config.flat_len()];
    for (tensor, stream) in config.tensors().iter().zip(0..) {
        for (value, index) in values[tensor.range()].iter_mut().zip(0..) {
            *value = (2.0 * unit(seed, stream, index) - 1.0) as f32 * amplitude;
        }
    }
    values
}
