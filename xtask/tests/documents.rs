//! What the documents claim and a program can check: links, commands, dependencies, who names what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 3] = ["README.md", "ARCHITECTURE.md", "learning.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the repository").to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Folders of the workspace's crates, relative to the root.
fn crates() -> Vec<String> {
    let folder = fs::read_dir(root().join("crates")).expect("the folder of the crates");
    let inner = folder.map(|entry| entry.expect("an entry").file_name().into_string());
    let mut all: Vec<String> =
        inner.map(|name| format!("crates/{}", name.expect("a plain name"))).collect();
    all.extend(["web", "e2e", "fuzz", "xtask"].map(str::to_owned));
    all.retain(|path| root().join(path).join("Cargo.toml").is_file());
    all
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Dependencies of a crate on others of the workspace; those of tests only where it has no others.
fn dependencies(path: &str) -> BTreeSet<String> {
    let manifest = read(&format!("{path}/Cargo.toml"));
    let section = |title: &str| -> BTreeSet<String> {
        let lines = manifest.lines().skip_while(|line| *line != title).skip(1);
        let keys = lines.take_while(|line| !line.starts_with('['));
        let keys = keys.filter_map(|line| line.split(['.', ' ', '=']).next());
        let all = crates();
        keys.filter(|key| all.iter().any(|path| name(path) == *key)).map(str::to_owned).collect()
    };
    if path == "e2e" { section("[dev-dependencies]") } else { section("[dependencies]") }
}

/// Cells of the rows of tables in a text.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// Texts between back quotes.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Rust sources of a crate, with their paths.
fn sources(path: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join(path).join("src")];
    let mut files = vec![];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                files.push((path, text));
            }
        }
    }
    files
}

#[test]
fn every_link_leads_to_a_file() {
    let mut broken = vec![];
    for document in DOCUMENTS {
        let text = read(document);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links: Vec<_> =
            links.filter(|link| !link.starts_with('#') && !link.contains("://")).collect();
        assert!(links.len() > 10, "{document} has {} links", links.len());
        for link in links {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let missing = !root().join(file).exists();
            let lost = !anchor.is_empty() && !read(file).lines().any(|l| is_heading(l, anchor));
            if missing || lost {
                broken.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Whether a line is the heading with this anchor.
fn is_heading(line: &str, anchor: &str) -> bool {
    let title = line.trim_start_matches('#').trim();
    let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    line.starts_with('#') && kept.collect::<String>().to_lowercase().replace(' ', "-") == anchor
}

#[test]
fn every_command_is_in_the_readme() {
    let readme = read("README.md");
    let listed: BTreeSet<String> =
        rows(&readme).filter(|row| row.len() == 2).flat_map(|row| quoted(row[0])).collect();
    let main = read("crates/trainer/src/main.rs");
    let parsed = main.split("enum Command {").nth(1).and_then(|rest| rest.split('}').next());
    let paths = parsed.expect("the enum of the commands").split("(commands::").skip(1);
    let commands: BTreeSet<String> = paths
        .filter_map(|path| path.split("::").next())
        .map(|name| name.replace('_', "-"))
        .collect();
    assert!(commands.contains("train"), "{commands:?}");
    let missing: Vec<_> = commands.difference(&listed).collect();
    assert!(missing.is_empty(), "not in README.md: {missing:?}");
}

#[test]
fn dependencies_are_those_of_the_table() {
    let document = read("ARCHITECTURE.md");
    let mut table = BTreeMap::new();
    for row in rows(&document).filter(|row| row.len() == 4) {
        let path = row[0].split("](").nth(1).and_then(|rest| rest.strip_suffix(')'));
        if let Some(path) = path.filter(|path| root().join(path).join("Cargo.toml").is_file()) {
            table.insert(path.to_owned(), quoted(row[2]));
        }
    }
    let actual: BTreeMap<_, _> =
        crates().into_iter().map(|path| (path.clone(), dependencies(&path))).collect();
    assert_eq!(table, actual, "left: ARCHITECTURE.md, right: the Cargo.toml files");
}

#[test]
fn kernels_of_the_step_are_shaders() {
    let document = read("ARCHITECTURE.md");
    let step = document.split("## One training step").nth(1).expect("its chapter");
    let step = step.split("\n## ").next().unwrap_or(step);
    let kernels: BTreeSet<String> =
        rows(step).filter(|row| row.len() == 5).flat_map(|row| quoted(row[1])).collect();
    assert!(kernels.len() > 15, "{kernels:?}");
    let shaders = root().join("shaders");
    let missing: Vec<_> = kernels
        .into_iter()
        .filter(|name| name != "gemm" && !shaders.join(format!("{name}.wgsl")).is_file())
        .collect();
    assert!(missing.is_empty(), "in ARCHITECTURE.md, but not in shaders/: {missing:?}");
}

#[test]
fn the_few_that_may_are_the_only_ones_that_do() {
    let document = read("ARCHITECTURE.md");
    for path in crates() {
        let manifest = read(&format!("{path}/Cargo.toml"));
        let names = |package: &str| {
            manifest.lines().any(|line| {
                line.strip_prefix(package).is_some_and(|rest| rest.starts_with(['.', ' ']))
            })
        };
        assert_eq!(names("wgpu"), path == "crates/device", "{path}: wgpu");
        assert_eq!(names("web-sys"), path == "web", "{path}: web-sys");
        for (file, text) in sources(&path) {
            let shown = file.strip_prefix(root()).expect("below the root").to_string_lossy();
            let includes = text.contains("include_str!") && text.contains(".wgsl\"");
            assert!(!includes || path == "crates/kernels", "{shown} includes WGSL");
            // A file with unsafe code is named in the document.
            let has_unsafe = text.lines().any(|line| line.trim_start().starts_with("unsafe {"));
            assert!(!has_unsafe || document.contains(&*shown), "{shown} has unsafe code");
        }
    }
}
