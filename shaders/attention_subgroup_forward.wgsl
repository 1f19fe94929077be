// Bidirectional attention by subgroup broadcast, the form for drivers on a CPU whose subgroups have
// eight lanes (lavapipe). Four queries per lane; each lane loads one of eight keys and values and
// passes it to the others without memory. HEAD_DIM is a multiple of 4.
//
//   s_j  = q . k_j / sqrt(D)
//   y    = sum_j exp(s_j - lse) v_j
//   lse  = log sum_j exp(s_j)          kept for the backward pass
//
//   qkv  (N, 3, H, D)
//   y    (N, H, D)  =
//   lse  (N, H)     =
//
// Host side and CPU twin: crates/kernels/src/attention/.

const HEAD_DIM: u32 = 64u;
const VECTORS: u32 = HEAD_DIM / 4u;
const LANES: u32 = 8u;
const LOWEST: f32 = -3.4028234e38;

struct Params {
    batch: u32,
    length: u32,
    heads: u32,
    head_dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sequence = workgroup.y / params.heads;
    let head = workgroup.y % params.heads;
    let width = params.heads * VECTORS;
    let scale = 1.0 / sqrt(f32(HEAD_DIM));
    let first = workgroup.x * 4u * LANES + lane;

    // Column c of matrix d holds dimension 4 d + c of this lane's four queries.
    var q: array<mat4x4<f32>, VECTORS>;
    var sum: array<mat4x4<f32>, VECTORS>;
    var rows: array<u32, 4>;
    for (var i = 0u; i < 4u; i++) {
        rows[i] = sequence * params.length + min(first + i * LANES, params.length - 1u);
    }
    for (var d = 0u; d < VECTORS; d++) {
        let at = head * VECTORS + d;
        q[d] = scale * transpose(mat4x4<f32>(
            qkv[rows[0] * 3u * width + at],
            qkv[rows[1] * 3u * width + at],
            qkv[rows[2] * 3u * width + at],
            qkv[rows[3] * 3u * width + at],
        ));
        sum[d] = mat4x4<f32>();
    }
    var largest = vec4<f32>(LOWEST);
    var total = vec4<f32>();

    for (var start = 0u; start < params.length; start += LANES) {
        let key = min(start + lane, params.length - 1u);
        let k_at = ((sequence * params.length + key) * 3u + 1u) * width + head * VECTORS;
        let v_at = k_at + width;

        // The scores of the four queries with each of eight keys.
        var p: array<vec4<f32>, LANES>;
        for (var j = 0u; j < LANES; j++) {
            p[j] = vec4<f32>();
        }
        for (var d = 0u; d < VECTORS; d++) {
            let k = qkv[k_at + d];
            for (var j = 0u; j < LANES; j++) {
                p[j] += q[d] * subgroupShuffle(k, j);
            }
        }
        var larger = largest;
        for (var j = 0u; j < LANES; j++) {
            p[j] = select(vec4<f32>(LOWEST), p[j], start + j < params.length);
            larger = max(larger, p[j]);
        }
        let shrink = exp(largest - larger);
        largest = larger;
        total *= shrink;
        for (var j = 0u; j < LANES; j++) {
            p[j] = exp(p[j] - larger);
            total += p[j];
        }
        for (var d = 0u; d < VECTORS; d++) {
            let v = qkv[v_at + d];
            for (var c = 0u; c < 4u; c++) {
                sum[d][c] *= shrink;
            }
            for (var j = 0u; j < LANES; j++) {
                let value = subgroupShuffle(v, j);
                for (var c = 0u; c < 4u; c++) {
                    sum[d][c] += value[c] * p[j];
                }
            }
        }
    }

    for (var i = 0u; i < 4u; i++) {
        if first + i * LANES < params.length {
            lse[rows[i] * params.heads + head] = largest[i] + log(total[i]);
            for (var d = 0u; d < VECTORS; d++) {
                y[rows[i] * width + head * VECTORS + d] = transpose(sum[d])[i] / total[i];
            }
        }
    }
}
