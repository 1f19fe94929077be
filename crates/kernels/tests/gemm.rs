//! Matrix products: every variant and operation on the GPU, and the CPU device, against the f64
//! oracle, at sizes that no tile divides.

mod harness;

use harness::{compare, gpu};
use kernels::gemm::{self, Op};
use kernels::variants::Table;
use kernels::{GemmVariant, Precision, Variants};

/// `[m, n, k]`. The variants for drivers on a CPU take the last four; elsewhere the tile stands in.
const SIZES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [3, 5, 7],
    [33, 65, 17],
    [97, 130, 129],
    [66, 200, 300],
    [64, 64, 4],
    [64, 64, 64],
    [192, 64, 36],
    [64, 128, 260],
];

/// Errors of sums of up to 300 products of numbers below 1, in f32.
const ABSOLUTE: f64 = 2e-5;
const RELATIVE: f64 = 1e-5;

fn check(variant: GemmVariant) {
    check_within(variant, ABSOLUTE, RELATIVE);
}

fn check_within(variant: GemmVariant, absolute: f64, relative: f64) {
    let variants = Variants::products(variant);
    for op in Op::ALL {
        let what = format!("{variant:?} {op:?}, outputs are {SIZES:?} with = and += each");
        compare(&what, absolute, relative, |bench, step| {
            let mut outputs = vec![];
            for [m, n, k] in SIZES {
                let (a, b) = (bench.floats(m * k), bench.floats(n * k));
                let (c, sum) = (bench.unwritten(m * n), bench.floats(m * n));
                gemm::record(step, &variants, op, gemm::Buffers { a, b, c }, [m, n, k], false);
                gemm::record(step, &variants, op, gemm::Buffers { a, b, c: sum }, [m, n, k], true);
                outputs.extend([c, sum]);
            }
            outputs
        });
    }
}

#[test]
fn tile() {
    check(GemmVariant::Tile);
}

/// Rows as few as texts that are written at a time, and too many for it.
#[test]
fn thin() {
    compare("gemm_thin", ABSOLUTE, RELATIVE, |bench, step| {
        let sizes = [[1, 1, 1], [1, 130, 257], [3, 5, 7], [16, 66, 300], [17, 66, 300]];
        let record = |[m, n, k]: [usize; 3]| {
            let (a, b, c) = (bench.floats(m * k), bench.floats(n * k), bench.unwritten(m * n));
            gemm::thin(step, &Variants::default(), gemm::Buffers { a, b, c }, [m, n, k]);
            c
        };
        sizes.map(record).to_vec()
    });
}

#[test]
fn direct() {
    check(GemmVariant::Direct);
}

/// Errors of sums of up to 300 products of numbers below 1 that are rounded to f16: each product is off
/// by 2e-4 (standard deviation), and this is six times that of their sum.
const HALF: f64 = 2e-2;

/// The variants on matrix units that the adapter can run. `MATRIX_UNITS` is set where there must be some.
fn on_matrix_units() -> Vec<GemmVariant> {
    let capabilities = gpu().capabilities();
    let all = GemmVariant::on(&capabilities);
    let found: Vec<_> = all.filter(|variant| variant.precision() == Precision::F16).collect();
    if found.is_empty() {
        println!("left out: the adapter has no matrix units");
        assert!(std::env::var_os("MATRIX_UNITS").is_none(), "no matrix units were found");
    }
    found
}

#[test]
fn matrix_units() {
    for variant in on_matrix_units() {
        check_within(variant, HALF, 0.0);
        check_long(variant, 4.0 * HALF, 0.0);
    }
}

/// Gradients are far below the smallest number of f16: they are scaled, and keep their digits.
#[test]
fn matrix_units_keep_the_digits_of_gradients() {
    const TINY: f32 = 1e-12;
    for variant in on_matrix_units() {
        let variants = Variants::products(variant);
        for op in [Op::Nn, Op::Tn] {
            let what = format!("{variant:?} {op:?} of gradients");
            compare(&what, f64::from(TINY) * HALF, 0.0, |bench, step| {
                let [m, n, k] = [66, 70, 300];
                // Most of them are smaller again than the largest.
                let gradient =
                    |i: usize| TINY * (0.7 * i as f32).sin() * (1 + i % 50) as f32 / 50.0;
                let a = bench.given_floats(&(0..m * k).map(gradient).collect::<Vec<_>>());
                let (b, c) = (bench.floats(k * n), bench.unwritten(m * n));
                gemm::record(step, &variants, op, gemm::Buffers { a, b, c }, [m, n, k], false);
                vec![c]
            });
        }
    }
}

/// Long inner dimensions, with runs of unequal lengths, and sizes that are not worth splitting.
#[test]
fn split() {
    // Up to 4,096 products.
    check_long(GemmVariant::Split, 2e-4, 1e-4);
}

fn check_long(variant: GemmVariant, absolute: f64, relative: f64) {
    const LONG: [[usize; 3]; 6] =
        [[1, 1, 1], [3, 5, 700], [66, 130, 1031], [64, 64, 4096], [129, 65, 513], [97, 33, 256]];
    let variants = Variants::products(variant);
    let split = LONG.iter().filter(|&&sizes| gemm::partials(&variants, sizes) > 0).count();
    assert_eq!(split, 4, "products with more than one run");
    let what = format!("{variant:?}, long inner dimensions");
    compare(&what, absolute, relative, |bench, step| {
        let mut outputs = vec![];
        for [m, n, k] in LONG {
            let (a, b) = (bench.floats(m * k), bench.floats(n * k));
            let (c, sum) = (bench.unwritten(m * n), bench.floats(m * n));
            let partials = bench.unwritten(gemm::partials(&variants, [m, n, k]).max(1));
            for (c, accumulate) in [(c, false), (sum, true)] {
                let io = gemm::Buffers { a, b, c };
                gemm::gradient(step, &variants, io, partials, [m, n, k], accumulate);
            }
            outputs.extend([c, sum]);
        }
        outputs
    });
}

/// Where the adapter's subgroups have another size, the variant must not be offered.
#[test]
fn subgroup() {
    let capabilities = gpu().capabilities();
    let runs = GemmVariant::on(&capabilities).any(|name| name == GemmVariant::Subgroup);
    assert_eq!(runs, capabilities.subgroup_size == Some(kernels::LANES));
    if runs {
        check(GemmVariant::Subgroup);
    } else {
        println!("left out: the adapter's subgroups are {:?}", capabilities.subgroup_size);
    }
}

/// A small case by hand, so that the oracle itself is held to something.
#[test]
fn by_hand() {
    let expected = compare("2 x 2 x 2", 0.0, 0.0, |bench, step| {
        let a = bench.given_floats(&[1.0, 2.0, 3.0, 4.0]);
        let b = bench.given_floats(&[5.0, 6.0, 7.0, 8.0]);
        let outputs = Op::ALL.map(|op| {
            let c = bench.unwritten(4);
            gemm::record(
                step,
                &Variants::default(),
                op,
                gemm::Buffers { a, b, c },
                [2, 2, 2],
                false,
            );
            c
        });
        outputs.to_vec()
    });
    assert_eq!(expected[0], [17.0, 23.0, 39.0, 53.0], "a bᵀ");
    assert_eq!(expected[1], [19.0, 22.0, 43.0, 50.0], "a b");
    assert_eq!(expected[2], [26.0, 30.0, 38.0, 44.0], "aᵀ b");
}
