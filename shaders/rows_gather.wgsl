// Puts the rows that count side by side, for the output layer. One row per workgroup.
//
//   row_h[i]        = h[rows[i]], or 0 where rows[i] = N
//   row_targets[i]  = targets[rows[i]], or 0
//   row_weights[i]  = weights[rows[i]], or 0
//
//   rows         (N)     from rows_select
//   h            (N, C)
//   targets      (N)
//   weights      (N)
//   row_h        (N, C)  =
//   row_targets  (N)     =
//   row_weights  (N)     =
//
// Host side and CPU twin: crates/kernels/src/rows.rs.

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> h: array<f32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> row_h: array<f32>;
@group(0) @binding(6) var<storage, read_write> row_targets: array<u32>;
@group(0) @binding(7) var<storage, read_write> row_weights: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = workgroup.y * groups.x + workgroup.x;
    if i >= params.count {
        return;
    }
    let n = rows[i];
    let taken = n < params.count;
    // Rows beyond the last read the first and drop it.
    let source = select(0u, n, taken);
    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        let value = h[source * params.channels + c];
        row_h[i * params.channels + c] = select(0.0, value, taken);
    }
    if lane == 0u {
        row_targets[i] = select(0u, targets[source], taken);
        row_weights[i] = select(0.0, weights[source], taken);
    }
}
