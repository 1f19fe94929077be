// Four dimensions at a time of a head.
//
// The importing kernel must declare `HEAD_DIM` and bind `qkv`, an array of f32.

// Dimensions 4 v to 4 v + 3 of the head that begins at `base` of qkv.
fn load(base: u32, v: u32) -> vec4<f32> {
    let d = 4u * v;
    if HEAD_DIM % 8u == 0u {
        return vec4<f32>(qkv[base + d], qkv[base + d + 1u], qkv[base + d + 2u], qkv[base + d + 3u]);
    }
    var vector: vec4<f32>;
    for (var c = 0u; c < 4u; c++) {
        if d + c < HEAD_DIM {
            vector[c] = qkv[base + d + c];
        }
    }
    return vector;
}
