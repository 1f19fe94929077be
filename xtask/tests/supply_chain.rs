//! Licences, duplicates and sources of all dependencies, held to `deny.toml` without a network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::{Table, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the repository").to_owned()
}

fn read(name: &str) -> Table {
    let text = fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    text.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn texts<'a>(table: &'a Table, section: &str, key: &str) -> Vec<&'a Value> {
    table[section][key].as_array().expect("a list").iter().collect()
}

/// Whether an SPDX expression can be met with allowed licences alone. `/` is an old form of `OR`.
fn is_met(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    let met = any(&mut words, allowed);
    assert!(words.is_empty(), "{expression}: {words:?} is left");
    met
}

fn any(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut met = every(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        met |= every(words, allowed);
    }
    met
}

fn every(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut met = one(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = any(words, allowed);
            let [")", rest @ ..] = *words else { panic!("a parenthesis is open: {words:?}") };
            *words = rest;
            met
        }
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(&*format!("{licence} WITH {exception}"))
        }
        [licence, rest @ ..] => {
            *words = rest;
            allowed.contains(licence)
        }
        [] => panic!("a licence is missing"),
    }
}

#[test]
fn expressions_are_understood() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]);
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("MIT AND ISC OR GPL-3.0", true),
        ("GPL-3.0 OR (MIT AND ISC)", true),
        ("MIT AND (GPL-3.0 OR LGPL-3.0)", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}

/// Of what this machine compiles: the manifests of others may not be there.
#[test]
fn licences_are_allowed() {
    let deny = read("deny.toml");
    let allowed = texts(&deny, "licenses", "allow").into_iter().filter_map(Value::as_str).collect();
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc");
    let rustc = String::from_utf8(rustc.stdout).expect("text");
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", host])
        .current_dir(root())
        .output()
        .expect("cargo");
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&cargo.stdout).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    // `packages` has those of other platforms, too, as far as they are known.
    let nodes = metadata["resolve"]["nodes"].as_array().expect("a graph");
    let used: BTreeSet<String> = nodes.iter().map(|node| text(&node["id"])).collect();
    let packages = metadata["packages"].as_array().expect("packages");
    let packages = packages.iter().filter(|package| used.contains(&text(&package["id"])));
    let mut seen = 0;
    let refused: Vec<String> = packages
        .inspect(|_| seen += 1)
        .map(|package| (text(&package["name"]), text(&package["license"])))
        .filter(|(_, licence)| licence.is_empty() || !is_met(licence, &allowed))
        .map(|(name, licence)| format!("{name}: {licence}"))
        .collect();
    assert!(seen > 200, "{seen}");
    assert!(refused.is_empty(), "{refused:#?}");
}

/// Whether a version is one of those that `wanted`, such as `0.22`, stands for.
fn is_of(version: &str, wanted: &str) -> bool {
    version.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Of all platforms.
#[test]
fn nothing_is_there_twice_without_a_reason() {
    let (lock, deny) = (read("Cargo.lock"), read("deny.toml"));
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().expect("packages") {
        let (name, version) = (package["name"].as_str(), package["version"].as_str());
        versions.entry(name.expect("a name")).or_default().push(version.expect("a version"));
        if let Some(source) = package.get("source").and_then(Value::as_str) {
            let known = "registry+https://github.com/rust-lang/crates.io-index";
            assert_eq!(source, known, "{name:?}");
        }
    }
    let skips: Vec<(&str, &str)> = texts(&deny, "bans", "skip")
        .into_iter()
        .filter_map(|skip| skip["crate"].as_str()?.split_once('@'))
        .collect();
    assert_eq!(skips.len(), texts(&deny, "bans", "skip").len());
    for (name, found) in &versions {
        let skipped = |version: &&str| skips.iter().any(|(n, v)| n == name && is_of(version, v));
        let left: Vec<_> = found.iter().filter(|version| !skipped(version)).collect();
        assert!(left.len() <= 1, "{name} is there as {found:?}; deny.toml has no reason for it");
    }
    for (name, wanted) in skips {
        let found = versions.get(name).map_or(&[][..], Vec::as_slice);
        let needed = found.len() > 1 && found.iter().any(|version| is_of(version, wanted));
        assert!(needed, "deny.toml skips {name}@{wanted}, which is not there twice");
    }
}
