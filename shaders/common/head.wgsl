// Four dimensions at a time of a head.
//
// The importing kernel must declare `HEAD_DIM` and bind `q` and `kv`, arrays of f32.

// Dimensions 4 v to 4 v + 3 of the query that begins at `base`.
fn load_q(base: u32, v: u32) -> vec4<f32> {
    let d = 4u * v;
    if HEAD_DIM % 8u == 0u {
        return vec4<f32>(q[base + d], q[base + d + 1u], q[base + d + 2u], q[base + d + 3u]);
    }
    var vector: vec4<f32>;
    for (var c = 0u; c < 4u; c++) {
        if d + c < HEAD_DIM {
            vector[c] = q[base + d + c];
        }
    }
    return vector;
}

// The same of the key or value that begins at `base`.
fn load_kv(base: u32, v: u32) -> vec4<f32> {
    let d = 4u * v;
    if HEAD_DIM % 8u == 0u {
        return vec4<f32>(kv[base + d], kv[base + d + 1u], kv[base + d + 2u], kv[base + d + 3u]);
    }
    var vector: vec4<f32>;
    for (var c = 0u; c < 4u; c++) {
        if d + c < HEAD_DIM {
            vector[c] = kv[base + d + c];
        }
    }
    return vector;
}
