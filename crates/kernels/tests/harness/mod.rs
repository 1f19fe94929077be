//! Runs the same launches on the f64 oracle, the CPU device and the GPU, and compares.

#![allow(dead_code, unreachable_pub, reason = "every test file uses a part of it")]

mod case;

use std::path::Path;

use case::Case;
use device::{ALIGNMENT, AdapterChoice, Device, Element, Gpu, Recording, Slice};
use pollster::block_on;

/// A device and the numbers that fill its buffers; the same on every device.
pub struct Bench {
    pub device: Device,
    state: u64,
    /// Buffers, with the canaries at both ends.
    guarded: Vec<Slice>,
}

/// Stands before and after every slice.
const CANARY: f32 = 12_345.678;

impl Bench {
    fn new(device: Device) -> Self {
        Self { device, state: 0x243f_6a88_85a3_08d3, guarded: Vec::new() }
    }

    fn next(&mut self) -> u64 {
        // xorshift64 (Marsaglia 2003)
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state >> 11
    }

    /// Floats between -1 and 1.
    pub fn floats(&mut self, len: usize) -> Slice {
        let unit = |word: u64| (word as f64 * 2f64.powi(-52) - 1.0) as f32;
        let data: Vec<f32> = (0..len).map(|_| unit(self.next())).collect();
        self.given_floats(&data)
    }

    /// Words below `bound`.
    pub fn words(&mut self, len: usize, bound: u64) -> Slice {
        let data: Vec<u32> = (0..len).map(|_| (self.next() % bound) as u32).collect();
        self.given_words(&data)
    }

    /// Floats that a kernel has to write all of.
    pub fn unwritten(&mut self, len: usize) -> Slice {
        self.given_floats(&vec![f32::NAN; len])
    }

    /// Words that a kernel has to write all of.
    pub fn unwritten_words(&mut self, len: usize) -> Slice {
        self.given_words(&vec![0xdead_beef; len])
    }

    /// Zero words.
    pub fn zeros(&mut self, len: usize) -> Slice {
        self.given_words(&vec![0; len])
    }

    /// These floats, between canaries.
    pub fn given_floats(&mut self, data: &[f32]) -> Slice {
        let whole = [&[CANARY; ALIGNMENT], data, &[CANARY; ALIGNMENT]].concat();
        let whole = self.device.floats("floats", &whole).unwrap();
        self.guard(whole)
    }

    /// These words, between canaries.
    pub fn given_words(&mut self, data: &[u32]) -> Slice {
        let canary = [CANARY.to_bits(); ALIGNMENT];
        let whole = [&canary, data, &canary].concat();
        let whole = self.device.words("words", &whole).unwrap();
        self.guard(whole)
    }

    fn guard(&mut self, whole: Slice) -> Slice {
        self.guarded.push(whole);
        whole.part(ALIGNMENT, whole.len - 2 * ALIGNMENT)
    }

    /// Fails when anything outside the slices was written: shaders run without bounds checks.
    fn check_canaries(&self, what: &str) {
        let all = block_on(self.device.read_bits(&self.guarded)).unwrap();
        for (index, bits) in all.iter().enumerate() {
            let (before, rest) = bits.split_at(ALIGNMENT);
            let after = &rest[rest.len() - ALIGNMENT..];
            assert!(
                before.iter().chain(after).all(|&word| word == CANARY.to_bits()),
                "{what} on {}: buffer {index} of {} elements was written outside its slice",
                self.device,
                rest.len() - ALIGNMENT,
            );
        }
    }
}

/// Opens the GPU; without one the test fails.
pub fn gpu() -> Device {
    let gpu = block_on(Gpu::open(&AdapterChoice::Any))
        .expect("the tests need a GPU or a software driver");
    Device::Gpu(Box::new(gpu))
}

/// Records with `record` on all three devices, runs, and compares the two lists of slices that it
/// returns with each other, to the bit.
pub fn same(what: &str, record: impl Fn(&mut Bench, &mut Recording) -> [Vec<Slice>; 2]) {
    for device in [Device::oracle(), Device::cpu(), gpu()] {
        let mut bench = Bench::new(device);
        let mut step = Recording::default();
        let outputs = record(&mut bench, &mut step);
        let program = bench.device.compile(step).unwrap();
        bench.device.run(&program).unwrap();
        bench.check_canaries(what);
        let [a, b] = outputs.map(|slices| block_on(bench.device.read_bits(&slices)).unwrap());
        assert!(!a.is_empty() && a == b, "{what} on {}", bench.device);
    }
}

/// Records with `record` on all three devices, runs, and compares the slices that it returns with
/// the oracle's: |a - b| <= absolute + relative * |b|. Returns the oracle's. With the variable
/// `KERNEL_CASES` naming a folder, the check is kept there, to be repeated in a browser.
pub fn compare(
    what: &str,
    absolute: f64,
    relative: f64,
    record: impl Fn(&mut Bench, &mut Recording) -> Vec<Slice>,
) -> Vec<Vec<f64>> {
    let mut expected: Option<Vec<Vec<f64>>> = None;
    for device in [Device::oracle(), Device::cpu(), gpu()] {
        let mut bench = Bench::new(device);
        let mut step = Recording::default();
        let outputs = record(&mut bench, &mut step);
        // A browser is shown kernels, not the host code that decides which of them run.
        let unconditional = step.launches().iter().all(|launch| launch.when.is_none());
        if let (Some(folder), Some(expected), Device::Cpu(_), true) =
            (std::env::var_os("KERNEL_CASES"), &expected, &bench.device, unconditional)
        {
            let case = Case::new(&bench.device, &step, &outputs);
            case.save(Path::new(&folder), what, [absolute, relative], expected);
        }
        let program = bench.device.compile(step).unwrap();
        bench.device.run(&program).unwrap();
        bench.check_canaries(what);
        let actual: Vec<Vec<f64>> = outputs
            .iter()
            .map(|&slice| match slice.element {
                Element::Float => block_on(bench.device.read_wide(slice)).unwrap(),
                Element::Word => {
                    let words = block_on(bench.device.read_words(slice)).unwrap();
                    words.into_iter().map(f64::from).collect()
                }
            })
            .collect();
        let Some(expected) = &expected else {
            expected = Some(actual);
            continue;
        };
        for (output, (actual, expected)) in actual.iter().zip(expected).enumerate() {
            for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
                assert!(
                    (a - e).abs() <= absolute + relative * e.abs(),
                    "{what} on {}: output {output}, element {i}: {a}, expected {e}",
                    bench.device,
                );
            }
        }
    }
    expected.expect("the oracle ran first")
}
