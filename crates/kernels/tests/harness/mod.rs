//! Runs the same launches on the f64 oracle, the CPU device and the GPU, and compares.

#![allow(dead_code, unreachable_pub, reason = "every test file uses a part of it")]

mod case;

use std::path::Path;

use case::Case;
use device::{AdapterChoice, Device, Element, Gpu, Recording, Slice};
use pollster::block_on;

/// A device and the numbers that fill its buffers; the same on every device.
pub struct Bench {
    pub device: Device,
    state: u64,
}

impl Bench {
    fn new(device: Device) -> Self {
        Self { device, state: 0x243f_6a88_85a3_08d3 }
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
        self.device.floats("floats", &data).unwrap()
    }

    /// Words below `bound`.
    pub fn words(&mut self, len: usize, bound: u64) -> Slice {
        let data: Vec<u32> = (0..len).map(|_| (self.next() % bound) as u32).collect();
        self.device.words("words", &data).unwrap()
    }

    /// A buffer that a kernel has to write all of.
    pub fn unwritten(&mut self, len: usize) -> Slice {
        self.device.floats("unwritten", &vec![f32::NAN; len]).unwrap()
    }

    /// A buffer of zero words.
    pub fn zeros(&mut self, len: usize) -> Slice {
        self.device.allocate("zeros", Element::Word, len).unwrap()
    }
}

/// Opens the GPU; without one the test fails.
pub fn gpu() -> Device {
    let gpu = block_on(Gpu::open(&AdapterChoice::Any))
        .expect("the tests need a GPU or a software driver");
    Device::Gpu(Box::new(gpu))
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
        if let (Some(folder), Some(expected), Device::Cpu(_)) =
            (std::env::var_os("KERNEL_CASES"), &expected, &bench.device)
        {
            let case = Case::new(&bench.device, &step, &outputs);
            case.save(Path::new(&folder), what, [absolute, relative], expected);
        }
        let program = bench.device.compile(step).unwrap();
        bench.device.run(&program).unwrap();
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
