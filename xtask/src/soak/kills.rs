//! Trainings that are ended at random moments.

use super::random::Random;
use super::{Place, latest};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Steps of the training: long enough to be ended several times.
const STEPS: u32 = 1_000;

/// Time that the program may take, on a busy machine, to begin to watch for signals.
const START: Duration = Duration::from_millis(200);

/// How a training is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Kill,
    Terminate,
    TwoSignals,
    ClosedPipe,
    FullDisk,
}

const ENDS: [End; 5] = [End::Kill, End::Terminate, End::TwoSignals, End::ClosedPipe, End::FullDisk];

/// What came of one way to end a training.
#[derive(Clone, Copy, Default)]
struct Count {
    ended: u64,
    /// Trainings that were done before.
    late: u64,
}

pub(super) fn run(place: &Place, kills: u64, seed: u64) -> Result<()> {
    println!("\n== kills: {kills} trainings of {STEPS} steps, seed {seed}");
    let whole = place.train("whole", STEPS).stdout(Stdio::null()).status()?;
    ensure!(whole.success(), "the undisturbed training failed");
    let whole = tensors(&place.path("whole"))?;
    let mut random = Random::new(seed);
    let mut counts: BTreeMap<End, Count> = BTreeMap::new();
    let (mut runs, mut ended) = (0, 0);
    let mut name = "run-0".to_owned();
    while ended < kills {
        let end = random.one(&ENDS);
        let delay = Duration::from_millis(random.below(900) as u64);
        let resume = place.path(&name).join("tokenizer.json").is_file();
        let done = once(place, &name, resume, end, delay)
            .with_context(|| format!("{end:?} after {delay:?}, kill {ended} of {name}"))?;
        let count = counts.entry(end).or_default();
        if done {
            count.late += 1;
            compare(place, &name, &whole)?;
            crate::run::remove(&place.path(&name))?;
            runs += 1;
            name = format!("run-{runs}");
        } else {
            count.ended += 1;
            ended += 1;
        }
    }
    // The last one to its end.
    if place.path(&name).join("tokenizer.json").is_file() {
        let mut last = place.train(&name, STEPS);
        let ended = last.arg("--resume").stdout(Stdio::null()).status()?;
        ensure!(ended.success(), "{name} could not be resumed");
        compare(place, &name, &whole)?;
        runs += 1;
    }
    println!("{:<14}{:>8}{:>12}", "end", "kills", "came late");
    for (end, Count { ended, late }) in counts {
        println!("{:<14}{ended:>8}{late:>12}", format!("{end:?}"));
    }
    println!(
        "{ended} kills; {runs} runs came to their end, each with the bits of the undisturbed one"
    );
    Ok(())
}

/// Refuses a run that ended with other parameters or moments than the undisturbed one.
fn compare(place: &Place, name: &str, whole: &[Vec<u8>; 2]) -> Result<()> {
    let run = place.path(name);
    ensure!(
        tensors(&run)? == *whole,
        "{} ended with other bits than the undisturbed run",
        run.display()
    );
    Ok(())
}

/// Starts or resumes the run, ends it, and says whether it was done before.
fn once(place: &Place, name: &str, resume: bool, end: End, delay: Duration) -> Result<bool> {
    let mut train = place.train(name, STEPS);
    if resume {
        train.arg("--resume");
    }
    let mut command = match end {
        // No file may be longer than 64 KiB (128 in shells that count so): no room for the moments.
        End::FullDisk => {
            let mut shell = Command::new("sh");
            shell.args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""]);
            shell.arg(train.get_program()).args(train.get_args()).current_dir(&place.folder);
            shell
        }
        _ => train,
    };
    command.stdout(if end == End::ClosedPipe { Stdio::piped() } else { Stdio::null() });
    let mut child = command.stderr(Stdio::piped()).spawn().context("the program cannot start")?;
    sleep(delay);
    match end {
        End::Kill => child.kill()?,
        End::Terminate => signal(&child, "-TERM"),
        End::TwoSignals => {
            signal(&child, "-TERM");
            signal(&child, "-INT");
        }
        End::ClosedPipe => drop(child.stdout.take()),
        End::FullDisk => {}
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!said.contains("panicked"), "the program panicked: {said}");
    // Until a program watches for signals, they end it.
    let starting = matches!(end, End::Terminate | End::TwoSignals) && delay < START;
    ensure!(
        end == End::Kill || starting || output.status.code().is_some(),
        "the program was ended by {}: {said}",
        output.status
    );
    if end == End::FullDisk && !output.status.success() {
        ensure!(said.contains("cannot write"), "not said to be full: {said}");
    }
    let state =
        latest(&place.path(name)).and_then(|path| fs::read_to_string(path.join("state.json")).ok());
    Ok(state.is_some_and(|state| state.contains(&format!("\"step\": {STEPS},"))))
}

fn signal(child: &Child, name: &str) {
    // It may have ended by itself.
    let _ =
        Command::new("kill").args([name, &child.id().to_string()]).stderr(Stdio::null()).status();
}

/// Parameters and moments of a run's newest checkpoint: what follows the header of both files.
pub(super) fn tensors(run: &Path) -> Result<[Vec<u8>; 2]> {
    let folder = latest(run).with_context(|| format!("{} has no checkpoint", run.display()))?;
    let read = |name: &str| -> Result<Vec<u8>> {
        let bytes = fs::read(folder.join(name))?;
        let header = u64::from_le_bytes(*bytes.first_chunk().context("an empty file")?);
        Ok(bytes[8 + header as usize..].to_vec())
    };
    Ok([read("model.safetensors")?, read("optimizer.safetensors")?])
}
