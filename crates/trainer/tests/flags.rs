//! The command line as a whole: every flag is used by a test of the program.

mod support;

use std::fs;
use std::path::Path;

use support::{Place, succeed, trainer};

#[test]
fn every_flag_is_used_by_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = fs::read_dir(folder).expect("tests").flatten().map(|entry| entry.path());
    let sources: String = files.filter_map(|path| fs::read_to_string(path).ok()).collect();
    let help = succeed(trainer().arg("--help"));
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"train"), "{names:?}");
    let mut checked = 0;
    for command in names.into_iter().filter(|name| *name != "help") {
        let help = succeed(trainer().args([command, "--help"]));
        // A flag begins its line, perhaps after a short form.
        let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let flags = lines.filter_map(|line| line.split([' ', ',']).find(|w| w.starts_with("--")));
        let flags = flags.map(|flag| flag.split(['=', '[', '.']).next().unwrap_or(flag));
        for flag in flags.filter(|flag| !["--help", "--version"].contains(flag)) {
            let used = [format!("\"{flag}\""), format!("\"{flag}=")];
            assert!(
                used.iter().any(|used| sources.contains(used)),
                "no test uses {command} {flag}"
            );
            checked += 1;
        }
    }
    assert!(checked > 60, "only {checked} flags were found");
}

#[test]
fn verbose_says_more() {
    let place = Place::new();
    let said = |more: &[&str]| {
        let mut command = place.train_on("auto", "run", &["--explain"]);
        // Without drivers there is no GPU, which is worth a remark.
        command.env("VK_DRIVER_FILES", "/nowhere.json").env("VK_ICD_FILENAMES", "/nowhere.json");
        let output = command.env_remove("RUST_LOG").args(more).output().expect("it starts");
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let quiet = said(&[]);
    assert_eq!(quiet, "");
    if cfg!(target_os = "linux") {
        let verbose = said(&["--verbose"]);
        assert!(verbose.contains("computing on the CPU"), "{verbose}");
    }
}
