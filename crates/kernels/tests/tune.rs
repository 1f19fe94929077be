//! Choosing variants by measuring.

mod harness;

use device::{Capabilities, Device};
use harness::gpu;
use kernels::variants::Table;
use kernels::{AttentionVariant, GemmVariant, LANES, Precision, Variants, tune};
use pollster::block_on;

#[test]
fn the_cpu_device_has_one_variant() {
    assert_eq!(
        block_on(tune::measure(&mut Device::cpu(), Precision::F16)).unwrap(),
        Variants::default()
    );
}

#[test]
fn chosen_variants_run_on_the_adapter() {
    let mut device = gpu();
    let variants = block_on(tune::measure(&mut device, Precision::F32)).unwrap();
    assert_eq!(variants, variants.on(&device.capabilities()));
}

#[test]
fn a_choice_of_another_adapter_is_brought_to_this_one() {
    let with = |subgroup_size| Capabilities { subgroup_size, ..Capabilities::default() };
    let chosen = Variants {
        gemm_nt: GemmVariant::Subgroup,
        gemm_nn: GemmVariant::Direct,
        gemm_tn: GemmVariant::Subgroup,
        attention: AttentionVariant::Subgroup,
    };
    assert_eq!(chosen.on(&with(Some(LANES))), chosen);
    for subgroup_size in [None, Some(4), Some(32)] {
        let expected = Variants { gemm_nn: GemmVariant::Direct, ..Variants::default() };
        assert_eq!(chosen.on(&with(subgroup_size)), expected, "{subgroup_size:?}");
    }
}

/// Rows of a table have names of their own, and the first of each stands in for the others.
#[test]
fn tables_are_complete() {
    fn check<Name: Table + Default + std::fmt::Debug>(sizes: &[usize]) {
        let first = &Name::ROWS[0];
        assert!(first.name == Name::default());
        assert!(first.runs_on(&Capabilities::default()), "{:?}", first.name);
        assert!(first.divides.iter().all(|&by| by == 1), "{:?}", first.name);
        for row in Name::ROWS {
            let (kernels, divides) = (first.kernels.len(), first.divides.len());
            assert_eq!((row.kernels.len(), row.divides.len()), (kernels, divides), "{row:?}");
            assert_eq!(divides, sizes.len());
            assert_eq!(Name::ROWS.iter().filter(|other| other.name == row.name).count(), 1);
            assert!(row.name.row(row.divides).name == row.name, "{:?}", row.name);
            let taken = if row.divides == first.divides { row.name } else { first.name };
            assert!(row.name.row(sizes).name == taken, "{:?} at {sizes:?}", row.name);
        }
    }
    check::<GemmVariant>(&[63, 65, 7]);
    check::<AttentionVariant>(&[6]);
}

#[test]
fn unknown_variants_are_refused() {
    for json in [r#"{"gemm_nt": "cooperative"}"#, r#"{"gemm": "tile"}"#] {
        assert!(serde_json::from_str::<Variants>(json).is_err(), "{json}");
    }
    let known = serde_json::from_str::<Variants>(r#"{"gemm_nt": "direct"}"#).unwrap();
    assert_eq!(known.gemm_nt, GemmVariant::Direct);
}
