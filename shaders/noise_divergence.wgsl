// What a denoising step of uniform diffusion costs at a position: the divergence of the reverse step
// that knows the clean token from the one that the network predicts (D3PM, arXiv 2107.03006, equation
// 1; with the leave-one-out posterior of arXiv 2605.22765). One row per workgroup.
//
//   loss   = KL(q(. | z, x) || q(. | z, p))
//   q(j | z, x) ~ (a/s [j = z] + (1 - a/s) noise(z)) (s x_j + (1 - s) noise(j))
//   a, s   survival probabilities at the row's time and the one before; noise uniform over n tokens
//   p      = softmax(logits) without the mask. With params.plain = 1 the logits are of a network that
//          knows z: first log(1 + n a / (1 - a)) is taken from the logit of z.
//   0 where z is no token of the noise: it can only be clean.
//
// The first factor is the same in both, so with e_j = s [j = x] + (1 - s) noise(j), f_j = s p_j + (1 - s)
// noise(j), known = a [z = x] + (1 - a)/n,
//
//   loss = log((a p_z + (1 - a)/n) / known) + sum over j of q(j | z, x) log(e_j / f_j)
//
//   logits   (R, V)   of rows first, first + 1, ...
//   ids      (R)      z
//   targets  (R)      x
//   times    (batch)  of each sequence, from 1
//   alpha    (T + 1)  survival probability at each time, from 0
//   loss     (R)  =   nats
//
// Host side and CPU twin: crates/kernels/src/noise_divergence.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;
const LOWEST: f32 = -3.4028234e38;

struct Params {
    rows: u32,
    first: u32,
    length: u32,
    vocabulary: u32,
    mask_id: u32,
    noise_first: u32,
    noise_count: u32,
    plain: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read> times: array<u32>;
@group(0) @binding(5) var<storage, read> alpha: array<f32>;
@group(0) @binding(6) var<storage, read_write> loss: array<f32>;

fn noise(v: u32) -> f32 {
    let inside = v >= params.noise_first && v < params.noise_first + params.noise_count;
    return select(0.0, 1.0 / f32(params.noise_count), inside);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = workgroup.y * groups.x + workgroup.x;
    if row >= params.rows {
        return;
    }
    let start = row * params.vocabulary;
    let z = ids[row];
    let x = targets[row];
    let time = times[(params.first + row) / params.length];
    let a = alpha[time];
    let s = alpha[time - 1u];
    let count = f32(params.noise_count);
    let shift = select(0.0, log(1.0 + count * a / (1.0 - a)), params.plain == 1u);

    var lane_max = LOWEST;
    for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
        if v != params.mask_id {
            lane_max = max(lane_max, logits[start + v] - select(0.0, shift, v == z));
        }
    }
    let largest = workgroup_max(lane_max, lane);
    var sum = 0.0;
    for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
        if v != params.mask_id {
            sum += exp(logits[start + v] - select(0.0, shift, v == z) - largest);
        }
    }
    let total = workgroup_sum(sum, lane);

    let wrong = (1.0 - a) / count;
    let known = select(wrong, a + wrong, z == x);
    let stay = a / s;
    let log_total = log(total);
    var cost = 0.0;
    for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
        if v != params.mask_id {
            let log_p = logits[start + v] - select(0.0, shift, v == z) - largest - log_total;
            let e = select(0.0, s, v == x) + (1.0 - s) * noise(v);
            if e > 0.0 {
                // At s = 1 the logarithm of p is known better than p.
                let log_f = select(log(s * exp(log_p) + (1.0 - s) * noise(v)), log_p, s == 1.0);
                let q = (select(0.0, stay, v == z) + (1.0 - stay) / count) * e / known;
                cost += q * (log(e) - log_f);
            }
        }
    }
    let sums = workgroup_sum(cost, lane);
    if lane == 0u {
        let p_z = exp(logits[start + z] - shift - largest) / total;
        loss[row] = select(0.0, log((a * p_z + wrong) / known) + sums, noise(z) > 0.0);
    }
}
