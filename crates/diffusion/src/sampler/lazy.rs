//! Programs that not every generation needs.

use device::{Device, DeviceError, Program, Recording};

/// A recording that is compiled when it is run for the first time.
#[derive(Debug)]
pub(super) struct Lazy {
    recording: Recording,
    program: Option<Program>,
}

impl Lazy {
    /// To be compiled later.
    pub(super) fn new(recording: Recording) -> Self {
        Self { recording, program: None }
    }

    /// Runs it; the first time, compiles it.
    pub(super) fn run(&mut self, device: &mut Device) -> Result<(), DeviceError> {
        let program = match self.program.take() {
            Some(program) => program,
            None => device.compile(self.recording.clone())?,
        };
        device.run(self.program.insert(program))
    }
}
