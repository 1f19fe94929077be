//! Every call that writes to the disk fails once, at every place.
//!
//! `strace` makes the system call of a given number fail, so that the program itself needs no seam for
//! this: what is tested is what is shipped.

use super::strace::{Strace, Traced};
use super::{Place, latest};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A command and the files that it writes.
struct Job {
    name: &'static str,
    /// Whose calls fail.
    traced: Traced,
    command: Command,
    files: Vec<&'static str>,
}

/// What a file holds before a command replaces it.
const OLD: &[u8] = b"what was there before";

/// Steps of the training.
const STEPS: u32 = 8;

pub(super) fn run(place: &Place) -> Result<()> {
    if !cfg!(target_os = "linux") {
        println!("\n== disk: needs strace, which only Linux has");
        return Ok(());
    }
    println!("\n== disk: each call of the program that writes fails once");
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let strace = Strace::new(&place.folder)?;
    for job in jobs(place)? {
        let run = |fault| strace.run(&job.command, job.traced, fault);
        let whole = run(None)?;
        ensure!(whole.status.success(), "{}: {}", job.name, said(&whole));
        let wanted = contents(place, &job.files);
        for (call, at) in strace.places()? {
            for file in &job.files {
                fs::write(place.path(file), OLD)?;
            }
            let what = || format!("{}: {call} number {at} fails", job.name);
            let output = run(Some((call, at))).with_context(what)?;
            check(&output).with_context(what)?;
            for ((file, found), wanted) in
                job.files.iter().zip(contents(place, &job.files)).zip(&wanted)
            {
                let old = found.as_deref() == Some(OLD);
                let whole = found == *wanted;
                ensure!(
                    whole || old && !output.status.success(),
                    "{}: {file} is neither the old file nor the new one",
                    what()
                );
            }
            // A file that cannot be removed stays, and the next command removes it.
            ensure!(
                call == "unlink" || leftovers(&place.folder)?.is_empty(),
                "{}: leftovers",
                what()
            );
            *counts.entry((job.name, call)).or_default() += 1;
        }
    }
    training(place, &strace, &mut counts)?;
    println!("{:<14}{:<10}{:>8}", "command", "call", "places");
    for ((name, call), count) in counts {
        println!("{name:<14}{call:<10}{count:>8}");
    }
    println!(
        "no panic, no half of a file, each fault one sentence; every training went on to the same bits"
    );
    Ok(())
}

/// A training that fails at every place, and is then resumed or begun again.
fn training(
    place: &Place,
    strace: &Strace,
    counts: &mut BTreeMap<(&'static str, &'static str), u64>,
) -> Result<()> {
    let run = place.path("disk");
    let train = |fault| strace.run(&place.train("disk", STEPS), Traced::Program, fault);
    let whole = train(None)?;
    ensure!(whole.status.success(), "the undisturbed training failed: {}", said(&whole));
    let wanted = super::kills::tensors(&run)?;
    for (call, at) in strace.places()? {
        crate::run::remove(&run)?;
        let what = || format!("train: {call} number {at} fails");
        let output = train(Some((call, at))).with_context(what)?;
        check(&output).with_context(what)?;
        let mut again = place.train("disk", STEPS);
        if run.join("run.json").is_file() && run.join("tokenizer.json").is_file() {
            again.arg("--resume");
        } else {
            // A start that failed leaves no folder, or one that nobody can take for a run.
            crate::run::remove(&run)?;
        }
        let again = again.output()?;
        ensure!(again.status.success(), "{}: it cannot go on: {}", what(), said(&again));
        ensure!(super::kills::tensors(&run)? == wanted, "{}: other bits", what());
        let left = leftovers(&run)?;
        ensure!(left.is_empty(), "{}: {} is left behind", what(), left[0].display());
        ensure!(latest(&run).is_some_and(|path| path.join("log.jsonl").is_file()), "{}", what());
        *counts.entry(("train", call)).or_default() += 1;
    }
    Ok(())
}

/// The commands that write files.
fn jobs(place: &Place) -> Result<Vec<Job>> {
    let made = place.train("source", 4).stdout(Stdio::null()).status()?;
    ensure!(made.success(), "the training failed");
    let job = |name, args: &str, files: &[&'static str]| {
        let mut command = place.trainer();
        command.args(args.split_whitespace());
        Job { name, traced: Traced::Program, command, files: files.to_vec() }
    };
    let sample = "sample --device cpu --checkpoint source --gen-len 4 --steps 2 --seed 3";
    let trace = format!("{sample} --trace disk.json");
    ensure!(crate::run::succeeds(&mut job("", &trace, &[]).command), "no trace was written");
    let render = "render disk.json --size 320x180";
    let mut jobs = vec![
        job("data", "data --source grammar --num-stories 9 --output disk.txt", &["disk.txt"]),
        job(
            "tokenizer",
            "tokenizer --input own.txt --vocab-size 300 --output disk.tok",
            &["disk.tok"],
        ),
        job(
            "eval",
            "eval --device cpu --checkpoint source --text own.txt --batches 1 --plot disk3.png",
            &["disk3.png"],
        ),
        job(
            "sample",
            &format!("{sample} --trace disk2.json --viz-gif disk2.gif"),
            &["disk2.json", "disk2.gif"],
        ),
        job(
            "render",
            &format!("{render} --gif disk.gif --png disk.png --html disk.html"),
            &["disk.gif", "disk.png", "disk.html"],
        ),
        job("export", "export --checkpoint source --out exported", &[]),
    ];
    if crate::run::find("ffmpeg").is_none() {
        println!("videos are left out: there is no ffmpeg");
        return Ok(jobs);
    }
    let video = || job("render video", &format!("{render} --mp4 disk.mp4"), &["disk.mp4"]);
    jobs.extend([
        job("sample video", &format!("{sample} --viz-video disk2.mp4"), &["disk2.mp4"]),
        video(),
        Job { name: "ffmpeg", traced: Traced::Ffmpeg, ..video() },
    ]);
    Ok(jobs)
}

/// Refuses a panic, an end by a signal, and a fault that is not one sentence.
fn check(output: &Output) -> Result<()> {
    let said = said(output);
    ensure!(!said.contains("panicked"), "the program panicked: {said}");
    let errors = said.lines().filter(|line| line.starts_with("error: ")).count();
    match output.status.code() {
        Some(0) => Ok(()),
        // What cannot be written to standard error cannot be read there.
        Some(1) if errors == 1 || said.is_empty() => Ok(()),
        _ => anyhow::bail!("{}, and it says: {said}", output.status),
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn contents(place: &Place, files: &[&str]) -> Vec<Option<Vec<u8>>> {
    files.iter().map(|file| fs::read(place.path(file)).ok()).collect()
}

/// Unfinished files in a folder and below.
fn leftovers(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(leftovers(&path)?);
        } else if path.extension().is_some_and(|end| end == "part") {
            found.push(path);
        }
    }
    Ok(found)
}
