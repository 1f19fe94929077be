// What is left to do: how many masks every sequence has, what the network is told of that, and whether
// the pass runs at all. A single workgroup.
//
//   masks      = number of masks of the sequence, those counted in that params.judging hides
//   timesteps  = told[masks]
//   control    = masks - ceil(masks / left)  where left (element 5) is not 0: masks after the pass
//   changed    = 1 if any sequence has masks in the first pass of a filling, else 0
//   live       = whether the pass runs, 1 or 0: if there are masks; when judging, if changed is 1
//   layers     = batch if live, else 0
//   passes    += live
//
//   told       (batch, length + 1)  time that the network is told, by number of masks
//   ids        (N)  tokens before the pass
//   kinds      (N)  of the positions, see common/kinds.wgsl: free are all but GIVEN
//   timesteps  (batch)      =
//   control    (7 + batch)  from element 7 on, in place; element 4 is the group that is hidden
//   progress   (2)          in place: passes, changed
//   live       (1)          =
//   layers     (1)          =
//
// Host side and CPU twin: crates/kernels/src/sample_survey.rs.

#import kinds
#import reduce

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    batch: u32,
    length: u32,
    mask_id: u32,
    judging: u32,
    groups: u32,
    fills: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> told: array<u32>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read> kinds: array<u32>;
@group(0) @binding(4) var<storage, read_write> timesteps: array<u32>;
@group(0) @binding(5) var<storage, read_write> control: array<u32>;
@group(0) @binding(6) var<storage, read_write> progress: array<u32>;
@group(0) @binding(7) var<storage, read_write> live: array<u32>;
@group(0) @binding(8) var<storage, read_write> layers: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
    let judging = params.judging == 1u;
    var most = 0u;
    for (var b = 0u; b < params.batch; b++) {
        var count = 0.0;
        for (var i = lane; i < params.length; i += WORKGROUP_SIZE) {
            let n = b * params.length + i;
            let hidden = judging && i % params.groups == control[4];
            if kinds[n] != GIVEN && (hidden || ids[n] == params.mask_id) {
                count += 1.0;
            }
        }
        let masks = u32(workgroup_sum(count, lane));
        most = max(most, masks);
        if lane == 0u {
            timesteps[b] = told[b * (params.length + 1u) + masks];
            let left = control[5];
            if left > 0u {
                control[7u + b] = masks - (masks + left - 1u) / left;
            }
        }
    }
    if lane == 0u {
        let any = min(most, 1u);
        if !judging && control[5] == params.fills {
            progress[1] = any;
        }
        let runs = select(any, progress[1], judging);
        live[0] = runs;
        layers[0] = runs * params.batch;
        progress[0] += runs;
    }
}
