//! A step written down before it is run.

use std::fmt::{self, Display};
use std::sync::Arc;

use crate::{Access, Binding, Buffers, Constants, Element, Kernel, Params, Slice};

/// One launch of a kernel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Launch {
    /// What to run.
    pub kernel: &'static Kernel,
    /// Values for the kernel's compile-time constants.
    pub constants: Constants,
    /// Bytes of the uniform at binding 0.
    pub params: Vec<u8>,
    /// One slice per entry of [`Kernel::bindings`].
    pub buffers: Vec<Slice>,
    /// Workgroups in x, y and z.
    pub grid: [u32; 3],
    /// Floating-point operations, multiply and add counted apart.
    pub flop: u64,
    /// A single word, the grid's layers (z) or 0: whether to run at all.
    pub when: Option<Slice>,
    /// What it belongs to: the names of its sections, the outermost first.
    pub section: Arc<str>,
}

impl Launch {
    /// A launch of `kernel` over `grid` workgroups.
    ///
    /// # Panics
    /// When the kernel was declared with other params or buffers.
    pub fn new<P: Params>(
        kernel: &'static Kernel,
        params: &P,
        buffers: impl Buffers,
        grid: [u32; 3],
    ) -> Self {
        assert_eq!(kernel.params, P::FIELDS, "{}: params", kernel.name);
        assert_eq!(kernel.bindings, bindings(&buffers), "{}: buffers", kernel.name);
        Self {
            kernel,
            constants: Vec::new(),
            params: bytemuck::bytes_of(params).to_vec(),
            buffers: buffers.slices(),
            grid,
            flop: 0,
            when: None,
            section: Arc::default(),
        }
    }

    /// Sets the number of floating-point operations.
    pub fn flop(mut self, flop: usize) -> Self {
        self.flop = flop as u64;
        self
    }

    /// Sets compile-time constants of the kernel; the others keep the values of the WGSL.
    pub fn constants(mut self, constants: impl Into<Constants>) -> Self {
        self.constants = constants.into();
        self
    }

    /// The least traffic with memory: every bound byte once.
    pub fn bytes(&self) -> u64 {
        self.buffers.iter().map(|slice| slice.bytes()).sum()
    }
}

fn bindings<B: Buffers>(_: &B) -> &'static [Binding] {
    B::BINDINGS
}

/// The launches of one step, in order. Sizes are fixed when it is recorded, so a step is
/// recorded once and replayed; it can also be printed.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    launches: Vec<Launch>,
    /// Of launches that are added now.
    section: Arc<str>,
}

impl Recording {
    /// Adds a launch.
    ///
    /// # Panics
    /// When buffers or grid do not fit the kernel's declaration, or when a buffer that the kernel
    /// writes is bound a second time (WebGPU forbids it, and the twins rely on it).
    pub fn push(&mut self, mut launch: Launch) {
        let Launch { kernel, buffers, grid, .. } = &launch;
        let name = kernel.name;
        for (i, (slice, binding)) in buffers.iter().zip(kernel.bindings).enumerate() {
            let what = format_args!("{name}: `{}`", binding.name);
            assert_eq!(slice.element, binding.element, "{what}: element");
            assert!(slice.len > 0, "{what}: empty");
            let alone =
                buffers.iter().enumerate().all(|(j, other)| i == j || other.buffer != slice.buffer);
            assert!(binding.access == Access::Read || alone, "{what}: written and bound twice");
        }
        // How many are too many, an adapter says when the recording is compiled.
        assert!(grid.iter().all(|&n| n > 0), "{name}: grid {grid:?}");
        launch.section = Arc::clone(&self.section);
        self.launches.push(launch);
    }

    /// Records launches that belong together, under a name for those who read the recording.
    /// Sections may have sections.
    pub fn section<R>(&mut self, name: impl Display, record: impl FnOnce(&mut Self) -> R) -> R {
        let outer = Arc::clone(&self.section);
        let name = if outer.is_empty() { name.to_string() } else { format!("{outer}, {name}") };
        self.section = name.into();
        let result = record(self);
        self.section = outer;
        result
    }

    /// Records launches that run only if the word `flag` is 1 by then, and are skipped if it is
    /// 0: what they work on may be less than there was room for, and only the device knows.
    ///
    /// # Panics
    /// As [`Recording::when_layers`].
    pub fn when(&mut self, flag: Slice, record: impl FnOnce(&mut Self)) {
        self.when_layers(&[(1, flag)], record);
    }

    /// [`Recording::when`] for launches whose grids have several layers (z), with a word for each
    /// number of layers: it is that number, or 0. A device takes it for the grid's z.
    ///
    /// # Panics
    /// When a flag is not a single word, when these launches write one or are conditional already,
    /// or when there is none for a grid's layers.
    pub fn when_layers(&mut self, flags: &[(u32, Slice)], record: impl FnOnce(&mut Self)) {
        for (_, flag) in flags {
            assert_eq!(
                (flag.element, flag.len),
                (Element::Word, 1),
                "a condition is a single word"
            );
        }
        let first = self.launches.len();
        record(self);
        for launch in &mut self.launches[first..] {
            let name = launch.kernel.name;
            let mut bound = launch.buffers.iter().zip(launch.kernel.bindings);
            let flag_of = |slice: &Slice| flags.iter().any(|(_, flag)| flag.buffer == slice.buffer);
            let writes = bound.any(|(slice, b)| b.access == Access::Write && flag_of(slice));
            assert!(!writes, "{name} writes its own condition");
            assert!(launch.when.is_none(), "{name} has two conditions");
            let layers = launch.grid[2];
            let flag = flags.iter().find(|(of, _)| *of == layers);
            let (_, flag) = flag.unwrap_or_else(|| panic!("{name}: {layers} layers of the grid"));
            launch.when = Some(*flag);
        }
    }

    /// The launches, in order.
    pub fn launches(&self) -> &[Launch] {
        &self.launches
    }

    /// The launches `range`, for bisecting a wrong result.
    pub fn part(&self, range: std::ops::Range<usize>) -> Self {
        Self { launches: self.launches[range].to_vec(), section: Arc::default() }
    }

    /// Floating-point operations of the whole step.
    pub fn flop(&self) -> u64 {
        self.launches.iter().map(|launch| launch.flop).sum()
    }
}

impl Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "   # {:<26} {:>18} {:>10} {:>10}  buffers", "kernel", "grid", "MFLOP", "MB")?;
        let mut section = "";
        for (index, launch) in self.launches.iter().enumerate() {
            if *launch.section != *section {
                section = &launch.section;
                writeln!(f, "{section}")?;
            }
            let [x, y, z] = launch.grid;
            write!(
                f,
                "{index:4} {:<26} {:>18} {:>10.2} {:>10.2} ",
                launch.kernel.name,
                format!("{x} x {y} x {z}"),
                launch.flop as f64 * 1e-6,
                launch.bytes() as f64 * 1e-6,
            )?;
            for (binding, slice) in launch.kernel.bindings.iter().zip(&launch.buffers) {
                let arrow = if binding.access == Access::Write { "→" } else { "" };
                write!(f, " {arrow}{}#{}", binding.name, slice.buffer.index)?;
                if slice.offset > 0 {
                    write!(f, "+{}", slice.offset)?;
                }
            }
            if let Some(flag) = launch.when {
                write!(f, " if #{}", flag.buffer.index)?;
                if flag.offset > 0 {
                    write!(f, "+{}", flag.offset)?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
