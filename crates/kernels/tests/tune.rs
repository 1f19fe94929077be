//! Choosing forms by measuring.

mod harness;

use device::Device;
use harness::{adapter_subgroup, gpu};
use kernels::{AttentionForm, Forms, GemmForm, LANES, tune};
use pollster::block_on;

#[test]
fn the_cpu_device_has_one_form() {
    assert_eq!(block_on(tune::measure(&mut Device::cpu())).unwrap(), Forms::default());
}

#[test]
fn chosen_forms_run_on_the_adapter() {
    let forms = block_on(tune::measure(&mut gpu())).unwrap();
    let subgroup = adapter_subgroup();
    for form in [forms.gemm_nt, forms.gemm_nn, forms.gemm_tn] {
        assert!(form.runs_with(subgroup), "{forms:?} with subgroups of {subgroup:?}");
    }
    assert!(forms.attention.runs_with(subgroup), "{forms:?} with subgroups of {subgroup:?}");
}

#[test]
fn subgroup_forms_ask_for_their_size() {
    for (subgroup, runs) in [(None, false), (Some(4), false), (Some(LANES), true)] {
        assert_eq!(GemmForm::Subgroup.runs_with(subgroup), runs);
        assert_eq!(AttentionForm::Subgroup.runs_with(subgroup), runs);
    }
    assert!(GemmForm::Tile.runs_with(None) && GemmForm::Direct.runs_with(None));
}
