// One invocation per element, over a grid that folds into y where x is full.
//
// The importing kernel must declare `WORKGROUP_SIZE`. Host side: crates/kernels/src/grid.rs.

fn element_index(workgroup: vec3<u32>, groups: vec3<u32>, lane: u32) -> u32 {
    return (workgroup.y * groups.x + workgroup.x) * WORKGROUP_SIZE + lane;
}
