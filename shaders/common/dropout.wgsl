// Which of four neighbouring elements dropout keeps: a function of element, place in the network, step and
// seed, so that both passes and a resumed run drop the same. Takes `rate`, `place` and the seed from
// `params`, the number of the step from `counter`; the importing kernel imports `rng`, too. CPU twin:
// crates/kernels/src/dropout.rs.

const STREAM: u32 = 0x64726f70u;

fn kept(quad: u32) -> vec4<bool> {
    let seed = vec2<u32>(params.seed_low, params.seed_high);
    let words = philox(vec4<u32>(quad, params.place, counter[0], STREAM), seed);
    let u = vec4<f32>(unit(words.x), unit(words.y), unit(words.z), unit(words.w));
    return u > vec4<f32>(params.rate);
}
