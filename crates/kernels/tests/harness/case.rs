//! What a check runs and expects, as two files, so that it can be repeated where no Rust runs: in
//! a browser.
//!
//! `NAME.json` says what is launched and compared; `NAME.bin` holds the buffers before the first
//! launch, four bytes per element, and then the oracle's outputs, eight bytes each; all numbers
//! are little-endian.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use device::{Access, Device, Element, Recording, Slice};
use pollster::block_on;
use serde_json::{Value, json};

/// Larger ones, of sizes that exceed a row of the grid, would take a browser too long.
const MOST_BYTES: usize = 32 << 20;

/// Numbers the cases of a test program.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A check of [`super::compare`].
pub struct Case {
    description: Value,
    bytes: Vec<u8>,
}

impl Case {
    /// The launches, and the contents of `device` before they run.
    pub fn new(device: &Device, step: &Recording, outputs: &[Slice]) -> Self {
        let mut buffers: Vec<Slice> = Vec::new();
        let bound = step.launches().iter().flat_map(|launch| &launch.buffers);
        for slice in bound.chain(outputs) {
            let end = slice.offset + slice.len;
            match buffers.iter_mut().find(|whole| whole.buffer == slice.buffer) {
                Some(whole) => whole.len = whole.len.max(end),
                None => buffers.push(Slice { offset: 0, len: end, ..*slice }),
            }
        }
        let place = |slice: &Slice| {
            let index = buffers.iter().position(|whole| whole.buffer == slice.buffer);
            json!({
                "buffer": index,
                "offset": slice.offset,
                "length": slice.len,
                "float": slice.element == Element::Float,
            })
        };
        let launches = step.launches().iter().map(|launch| {
            let kernel = launch.kernel;
            json!({
                "kernel": kernel.name,
                "code": kernel.assemble(&launch.constants).unwrap(),
                "subgroup": kernel.requires.subgroup_size,
                "params": launch.params,
                "written": kernel.bindings.iter().map(|b| b.access == Access::Write).collect::<Vec<_>>(),
                "buffers": launch.buffers.iter().map(place).collect::<Vec<_>>(),
                "grid": launch.grid,
            })
        });
        let description = json!({
            "launches": launches.collect::<Vec<_>>(),
            "buffers": buffers.iter().map(|whole| whole.len).collect::<Vec<_>>(),
            "outputs": outputs.iter().map(place).collect::<Vec<_>>(),
        });
        let contents = block_on(device.read_bits(&buffers)).unwrap();
        let bytes = contents.iter().flatten().flat_map(|word| word.to_le_bytes()).collect();
        Self { description, bytes }
    }

    /// Writes the files to `folder`.
    pub fn save(
        mut self,
        folder: &Path,
        what: &str,
        [absolute, relative]: [f64; 2],
        expected: &[Vec<f64>],
    ) {
        self.description["what"] = what.into();
        self.description["absolute"] = absolute.into();
        self.description["relative"] = relative.into();
        self.bytes.extend(expected.iter().flatten().flat_map(|value| value.to_le_bytes()));
        if self.bytes.len() > MOST_BYTES {
            return;
        }
        std::fs::create_dir_all(folder).unwrap();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", env!("CARGO_CRATE_NAME"));
        std::fs::write(folder.join(format!("{name}.bin")), self.bytes).unwrap();
        std::fs::write(folder.join(format!("{name}.json")), self.description.to_string()).unwrap();
    }
}
