// Begins a denoising pass: copies the pass's row of the table to where the other kernels look and
// moves the cursor on, so that one recording is replayed for every pass. One invocation.
//
//   row        = table[cursor];  cursor += 1
//
//   table      (passes, 2 + batch)  t, whether the pass is greedy, re-mask count of each sequence
//   cursor     (1)          +=
//   timesteps  (batch)      =  t
//   control    (2 + batch)  =  number of the pass, greedy, re-mask counts
//
// Host side and CPU twin: crates/kernels/src/sample_begin.rs.

struct Params {
    batch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> cursor: array<u32>;
@group(0) @binding(3) var<storage, read_write> timesteps: array<u32>;
@group(0) @binding(4) var<storage, read_write> control: array<u32>;

@compute @workgroup_size(1)
fn main() {
    let number = cursor[0];
    let row = number * (2u + params.batch);
    control[0] = number;
    control[1] = table[row + 1u];
    for (var b = 0u; b < params.batch; b++) {
        timesteps[b] = table[row];
        control[2u + b] = table[row + 2u + b];
    }
    cursor[0] = number + 1u;
}
