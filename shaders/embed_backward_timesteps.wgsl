// Gradient of the timestep embedding: the sum over the sequences at each timestep. One row of
// the embedding per workgroup, one channel per invocation and turn.
//
//   d_timestep_emb[t] = sum of d_e[b, p] over all p and the b with timesteps[b] = t
//
//   timesteps       (batch)
//   d_e             (batch, length, C)
//   d_timestep_emb  (T + 1, C)  =, or += when params.accumulate is 1
//
// Host side and CPU twin: crates/kernels/src/embed.rs.

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    batch: u32,
    length: u32,
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
        for (var b = 0u; b < params.batch; b++) {
            if timesteps[b] == timestep {
                for (var p = 0u; p < params.length; p++) {
                    sum += d_e[(b * params.length + p) * params.channels + c];
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
