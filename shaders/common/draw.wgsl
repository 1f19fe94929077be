// The random number of a position in a denoising pass: a function of position, sample and pass, so that a
// sample draws the same in every batch. Takes `length`, `first_sample` and the seed from `params`, the
// number of the pass from `control`. CPU twin: `Draws` in crates/kernels/src/rng.rs.

fn drawn(n: u32, stream: u32) -> f32 {
    let sample = params.first_sample + n / params.length;
    let counter = vec4<u32>(n % params.length, sample, control[0], stream);
    return unit(philox(counter, vec2<u32>(params.seed_low, params.seed_high)).x);
}
