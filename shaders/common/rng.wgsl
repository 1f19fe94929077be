// The counter-based generator Philox4x32-10 (Salmon et al., SC 2011). CPU twin and the meaning of
// counters: crates/kernels/src/rng.rs.

// Both words, high and low, of the product of two words.
fn wide_product(a: u32, b: u32) -> vec2<u32> {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let low = a_low * b_low;
    let middle = a_high * b_low + (low >> 16u);
    let cross = a_low * b_high + (middle & 0xffffu);
    return vec2<u32>(a_high * b_high + (middle >> 16u) + (cross >> 16u), a * b);
}

fn philox(counter: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
    var c = counter;
    var key = seed;
    for (var round = 0u; round < 10u; round++) {
        let p0 = wide_product(c.x, 0xd2511f53u);
        let p1 = wide_product(c.z, 0xcd9e8d57u);
        c = vec4<u32>(p1.x ^ c.y ^ key.x, p1.y, p0.x ^ c.w ^ key.y, p0.y);
        key += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    }
    return c;
}

// A number in the open interval (0, 1) from the upper 23 bits of a word.
fn unit(word: u32) -> f32 {
    return (f32(word >> 9u) + 0.5) * 1.1920928955078125e-7;
}

// A number in 0 .. bound - 1 from a word.
fn below(word: u32, bound: u32) -> u32 {
    return wide_product(word, bound).x;
}
