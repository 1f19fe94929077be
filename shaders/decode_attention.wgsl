// Attention of the last positions of each text to themselves and to all before them, whose keys and
// values lie in a cache that theirs are added to. One head of one query per workgroup; lanes share
// first the keys of a run, then the dimensions of a value.
//
//   before          = filled - queries
//   cache[before+i] = key, value of query i
//   s_j             = q . k_j / sqrt(D)      for j < filled
//   y               = sum_j softmax(s)_j v_j
//
//   qkv     (texts, queries, 3, H, D)
//   filled  (1)
//   cache   (texts, length, 2, H, D)  rows before .. filled =
//   y       (texts, queries, H, D)    =
//
// The queries' own keys and values are read from qkv: other workgroups write them to the cache.
//
// Host side and CPU twin: crates/kernels/src/decode.rs.

#import reduce

const HEAD_DIM: u32 = 64u;
const WORKGROUP_SIZE: u32 = 64u;
// Heads are at most twice as wide as a workgroup.
const PARTS: u32 = (HEAD_DIM + WORKGROUP_SIZE - 1u) / WORKGROUP_SIZE;
const LOWEST: f32 = -3.4028234e38;

struct Params {
    heads: u32,
    queries: u32,
    length: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> filled: array<u32>;
@group(0) @binding(3) var<storage, read_write> cache: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> weights: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let text = workgroup.z;
    let width = params.heads * HEAD_DIM;
    let head = workgroup.x * HEAD_DIM;
    let row = text * params.queries + workgroup.y;
    let query = row * 3u * width + head;
    let cached = text * params.length * 2u * width + head;
    let count = filled[0];
    let before = count - params.queries;
    // Where the key of position j = before would be in qkv.
    let own = text * params.queries * 3u * width + width + head;
    let scale = 1.0 / sqrt(f32(HEAD_DIM));

    let added = cached + (before + workgroup.y) * 2u * width;
    for (var d = lane; d < HEAD_DIM; d += WORKGROUP_SIZE) {
        cache[added + d] = qkv[query + width + d];
        cache[added + width + d] = qkv[query + 2u * width + d];
    }

    var m = LOWEST;
    var l = 0.0;
    var acc: array<f32, PARTS>;
    for (var start = 0u; start < count; start += WORKGROUP_SIZE) {
        let run = min(WORKGROUP_SIZE, count - start);
        var score = LOWEST;
        if lane < run {
            let j = start + lane;
            var sum = 0.0;
            if j < before {
                let key = cached + j * 2u * width;
                for (var d = 0u; d < HEAD_DIM; d++) {
                    sum += qkv[query + d] * cache[key + d];
                }
            } else {
                let key = own + (j - before) * 3u * width;
                for (var d = 0u; d < HEAD_DIM; d++) {
                    sum += qkv[query + d] * qkv[key + d];
                }
            }
            score = scale * sum;
        }
        let m_new = max(m, workgroup_max(score, lane));
        let correction = exp(m - m_new);
        let weight = select(0.0, exp(score - m_new), lane < run);
        weights[lane] = weight;
        l = l * correction + workgroup_sum(weight, lane);
        m = m_new;
        let old = clamp(before, start, start + run) - start;
        for (var part = 0u; part < PARTS; part++) {
            let d = part * WORKGROUP_SIZE + lane;
            if d < HEAD_DIM {
                var added = correction * acc[part];
                for (var j = 0u; j < old; j++) {
                    added += weights[j] * cache[cached + (start + j) * 2u * width + width + d];
                }
                for (var j = old; j < run; j++) {
                    let value = own + (start + j - before) * 3u * width + width;
                    added += weights[j] * qkv[value + d];
                }
                acc[part] = added;
            }
        }
        workgroupBarrier();
    }
    for (var part = 0u; part < PARTS; part++) {
        let d = part * WORKGROUP_SIZE + lane;
        if d < HEAD_DIM {
            y[row * width + head + d] = acc[part] / l;
        }
    }
}
