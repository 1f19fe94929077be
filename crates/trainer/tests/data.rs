//! The command `data`, as a user runs it.

#[path = "../../corpus/tests/hub_server/mod.rs"]
#[allow(dead_code, reason = "the tests of the corpus use the rest")]
mod hub_server;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use hub_server::{Server, parquet};
use parquet::basic::Compression;

fn data(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.arg("data").args(arguments);
    for variable in ["HF_ENDPOINT", "HF_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command
}

/// What the command says when it fails.
fn failure(command: &mut Command) -> String {
    let output = command.assert().failure().get_output().clone();
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn help_lists_every_flag() {
    let output = data(&["--help"]).assert().success().get_output().clone();
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    for flag in [
        "--source",
        "--dataset",
        "--config",
        "--split",
        "--text-column",
        "--grammar",
        "--mix",
        "--entropy",
        "--num-stories",
        "--seed",
        "--shuffle-buffer",
        "--separator",
        "--no-clean-mojibake",
        "--output",
    ] {
        assert!(
            help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")),
            "{flag}"
        );
    }
    for default in ["roneneldan/TinyStories", "10000", "<|endoftext|>", "stories.txt", "HF_HOME"] {
        assert!(help.contains(default), "{default}");
    }
}

#[test]
fn wrong_arguments_are_named() {
    for (arguments, message) in [
        (&["--storys", "5"][..], "--storys"),
        (&["--num-stories", "0"], "--num-stories"),
        (&["--source", "book"], "hub, grammar"),
        (&["--separator", "a\nb"], "error: `--separator` is one line; leave out its line break\n"),
        (&["--source", "grammar", "--split", "test"], "error: `--split` needs `--source hub`\n"),
    ] {
        let said = failure(&mut data(arguments));
        assert!(said.contains(message), "{said}");
    }
}

#[test]
fn the_grammar_writes_the_same_stories_for_the_same_seed() {
    let folder = tempfile::tempdir().expect("folder");
    let write = |name: &str, seed: &str| {
        let path = folder.path().join(name);
        let number = ["--num-stories", "25", "--seed", seed, "--output", text(&path)];
        data(&["--source", "grammar"]).args(number).assert().success();
        fs::read_to_string(path).expect("stories")
    };
    let first = write("a", "1");
    assert_eq!(first, write("b", "1"));
    assert_ne!(first, write("c", "2"));
    let (stories, rest) = first.rsplit_once("\n<|endoftext|>\n").expect("a separator at the end");
    assert_eq!(rest, "");
    let stories: Vec<_> = stories.split("\n<|endoftext|>\n").collect();
    assert_eq!(stories.len(), 25);
    assert!(stories.iter().all(|story| story.split_whitespace().count() > 20));
    assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 3, "nothing is left beside");
}

#[test]
fn a_grammar_of_ones_own_and_its_entropy() {
    let folder = tempfile::tempdir().expect("folder");
    let grammar = ["--source", "grammar", "--grammar", text(folder.path())];
    let said = failure(&mut data(&grammar));
    assert!(said.ends_with(" holds no file whose name ends in .txt\n"), "{said}");

    let file = folder.path().join("colors.txt");
    fs::write(&file, "plot: colors\n- {red}\n").expect("file");
    let said = failure(&mut data(&grammar));
    assert_eq!(
        said,
        format!("error: {}, line 2: nothing fills the slot `{{red}}`\n", file.display())
    );

    fs::write(&file, "plot: colors\n- [re|red][d|]\n").expect("file");
    let path = folder.path().join("stories");
    let output = data(&grammar).args(["--output", text(&path)]).assert().success();
    let said = String::from_utf8(output.get_output().stderr.clone()).expect("UTF-8");
    assert!(said.contains("3 stories"), "{said}");
    assert!(said.contains("no two alike"), "{said}");
    assert!(said.contains("only 3 stories were available (10,000 requested)"), "{said}");
    let stories = fs::read_to_string(&path).expect("stories");
    let mut stories: Vec<&str> = stories.split_terminator("\n<|endoftext|>\n").collect();
    stories.sort_unstable();
    assert_eq!(stories, ["re", "red", "redd"]);

    let entropy = ["--entropy", "--num-stories", "4000", "--seed", "3"];
    let output = data(&grammar).args(entropy).assert().success().get_output().clone();
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(said.starts_with("4,000 stories of seed 3, from 1 plots"), "{said}");
    for (start, expected) in [("entropy: ", 0.5), ("a story: ", 1.5)] {
        let found = said.lines().find_map(|line| line.strip_prefix(start)).expect(start);
        let mean = found.split(' ').next().expect("a number").parse::<f64>().expect("a number");
        assert!((mean - expected).abs() < 0.05, "{said}");
    }
    let said = failure(&mut data(&["--entropy"]));
    assert_eq!(said, "error: `--entropy` needs `--source grammar`\n");
}

#[test]
fn files_are_mixed_by_their_shares() {
    let folder = tempfile::tempdir().expect("folder");
    let [a, b, mixed] = ["a.txt", "b.txt", "mixed.txt"].map(|name| folder.path().join(name));
    fs::write(&a, "aaaa\n<|endoftext|>\n".repeat(50)).expect("a file");
    fs::write(&b, "bbbb\n<|endoftext|>\n".repeat(50)).expect("a file");
    let part = |path: &Path, share: &str| format!("{}={share}", text(path));
    let mix = |more: &[&str]| {
        let (a, b) = (part(&a, "3"), part(&b, "1"));
        let flags = ["--source", "files", "--mix", &a, "--mix", &b, "--output", text(&mixed)];
        data(&[&flags, more].concat()).assert().success();
        let text = fs::read_to_string(&mixed).expect("a corpus");
        [text.matches("aaaa").count(), text.matches("bbbb").count()]
    };
    // Until the larger share has no more.
    assert_eq!(mix(&[]), [50, 17]);
    assert_eq!(mix(&["--num-stories", "8"]), [6, 2]);
    for (flags, sentence) in [
        (&["--source", "files"][..], "needs files, each by `--mix FILE=SHARE`"),
        (&["--mix", "a.txt=1"], "`--mix` needs `--source files`"),
        (&["--source", "files", "--mix", "a.txt"], "`a.txt` is no file with its share"),
        (&["--source", "files", "--mix", "a.txt=0"], "`a.txt=0` is no file with its share"),
        (&["--source", "files", "--mix", "none.txt=1"], "none.txt: it is not a file"),
    ] {
        let said = failure(&mut data(flags));
        assert!(said.contains(sentence), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn unwritable_places_are_named() {
    let grammar = ["--source", "grammar", "--output"];
    assert_eq!(
        failure(data(&grammar).arg("/missing/folder/stories.txt")),
        "error: cannot write /missing/folder/stories.txt: its folder does not exist; create it \
         first\n"
    );
    #[cfg(target_os = "linux")]
    assert_eq!(
        failure(data(&grammar).arg("/dev/full")),
        "error: cannot write /dev/full: the disk is full; free some space or write elsewhere\n"
    );
}

#[test]
fn a_dataset_of_the_hub_is_cleaned_and_written() {
    let (server, home) = (Server::start(), tempfile::tempdir().expect("folder"));
    let rows = [
        Some("  Itâ€™s  a  cat. "),
        None,
        Some(""),
        Some("One.\n---\nTwo [MASK]<|endoftext|>three."),
        Some(" [PAD] "),
        Some("A dog ran."),
        Some("Never read."),
    ];
    let file = parquet(&[rows.map(|row| row.map(str::to_owned)).to_vec()], Compression::SNAPPY);
    server.put_dataset("roneneldan/TinyStories", vec![file]);
    let path = home.path().join("stories.txt");
    let run = |arguments: &[&str]| {
        let mut command = data(&["--shuffle-buffer", "0", "--output", text(&path)]);
        command.env("HF_ENDPOINT", server.url()).env("HF_HOME", home.path()).args(arguments);
        command
    };

    let output =
        run(&["--num-stories", "3", "--separator", "---"]).assert().success().get_output().clone();
    assert_eq!(
        fs::read_to_string(&path).expect("stories"),
        "It’s a cat.\n---\nOne.\nTwo three.\n---\nA dog ran.\n---\n"
    );
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.contains("read 6 rows of 1 files, 2 of them empty"), "{said}");
    assert!(said.contains("3 stories"), "{said}");
    assert!(said.contains("cleaned 2, dropped 1"), "{said}");

    let output = run(&["--no-clean-mojibake"]).assert().success().get_output().clone();
    let stories = fs::read_to_string(&path).expect("stories");
    assert!(stories.starts_with("Itâ€™s  a  cat.\n<|endoftext|>\nOne.\n---\nTwo "), "{stories}");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.contains(" stories were available (10,000 requested)"), "{said}");
    assert!(said.contains("fetched 0 B"), "kept from the first run: {said}");

    // An older file stays when a run fails.
    let said = failure(&mut run(&["--text-column", "body"]));
    assert!(said.contains("its text columns are: filler, text, title"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let said = failure(&mut run(&["--dataset", "nobody/nothing"]));
    assert!(said.starts_with("error: there is no dataset `nobody/nothing` at http://"), "{said}");
    assert_eq!(fs::read_to_string(&path).expect("stories"), stories);
}
