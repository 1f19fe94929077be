//! Choosing variants by measuring.

mod harness;

use device::Device;
use harness::{adapter_subgroup, gpu};
use kernels::{AttentionVariant, GemmVariant, LANES, Variants, tune};
use pollster::block_on;

#[test]
fn the_cpu_device_has_one_form() {
    assert_eq!(block_on(tune::measure(&mut Device::cpu())).unwrap(), Variants::default());
}

#[test]
fn chosen_forms_run_on_the_adapter() {
    let variants = block_on(tune::measure(&mut gpu())).unwrap();
    let subgroup = adapter_subgroup();
    for variant in [variants.gemm_nt, variants.gemm_nn, variants.gemm_tn] {
        assert!(variant.runs_with(subgroup), "{variants:?} with subgroups of {subgroup:?}");
    }
    assert!(variants.attention.runs_with(subgroup), "{variants:?} with subgroups of {subgroup:?}");
}

#[test]
fn subgroup_forms_ask_for_their_size() {
    for (subgroup, runs) in [(None, false), (Some(4), false), (Some(LANES), true)] {
        assert_eq!(GemmVariant::Subgroup.runs_with(subgroup), runs);
        assert_eq!(AttentionVariant::Subgroup.runs_with(subgroup), runs);
    }
    assert!(GemmVariant::Tile.runs_with(None) && GemmVariant::Direct.runs_with(None));
}
