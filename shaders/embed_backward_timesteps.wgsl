// Gradient of the timestep embedding: the sum over the positions at each timestep. One row of the
// embedding per workgroup, one channel per invocation and turn.
//
//   d_timestep_emb[t] = sum of d_e[s, p] over all p and the s with timesteps[s] = t
//
//   timesteps       (count)            one for every `span` positions
//   d_e             (count, span, C)
//   d_timestep_emb  (T + 1, C)  =, or += when params.accumulate is 1
//
// Host side and CPU twin: crates/kernels/src/embed/mod.rs.

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    span: u32,
    channels: u32,
    rows: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> timesteps: array<u32>;
@group(0) @binding(2) var<storage, read> d_e: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_timestep_emb: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let timestep = workgroup.y * groups.x + workgroup.x;
    if timestep >= params.rows {
        return;
    }
    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        var sum = 0.0;
        for (var s = 0u; s < params.count; s++) {
            if timesteps[s] == timestep {
                for (var p = 0u; p < params.span; p++) {
                    sum += d_e[(s * params.span + p) * params.channels + c];
                }
            }
        }
        let at = timestep * params.channels + c;
        if params.accumulate == 1u {
            sum += d_timestep_emb[at];
        }
        d_timestep_emb[at] = sum;
    }
}
