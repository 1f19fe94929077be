//! The kernels in Chromium: every shader through Tint, its compiler, which is stricter than naga;
//! and the checks of the kernels' own tests once more, with the oracle's results.
//!
//! Those tests leave their checks in the folder that the variable `KERNEL_CASES` names.

use std::collections::BTreeSet;
use std::path::PathBuf;

use device::Access;
use serde_json::{Value, json};

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, root, serve};

const REPLAY: &str = include_str!("replay.js");

/// A page of a secure origin, as WebGPU asks for, with `window.kernels`.
fn open(browser: &Browser, url: &str) -> Option<u64> {
    browser.open(&format!("{url}models/models.json"));
    let script = format!("{REPLAY}\nwindow.kernels = await replay(); return kernels.subgroup;");
    browser.run(&script, &[]).as_u64()
}

#[test]
fn every_shader_compiles_in_chromium() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("shaders", Gpu::Software);
    let subgroup = open(&browser, &server.url);
    let mut left_out = Vec::new();
    for kernel in kernels::ALL {
        // WebGPU has no matrix units yet.
        let needs = kernel.requires;
        if (needs.subgroup_size.is_some() && subgroup.is_none()) || needs.matrices.is_some() {
            left_out.push(kernel.name);
            continue;
        }
        let code = kernel.assemble(&[]).unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
        // Native drivers need no such line, and naga does not know it.
        let enable =
            if kernel.requires.subgroup_size.is_some() { "enable subgroups;\n" } else { "" };
        let code = enable.to_owned() + &code;
        let written: Vec<bool> =
            kernel.bindings.iter().map(|binding| binding.access == Access::Write).collect();
        let launch = json!({ "code": code, "written": written });
        let compile = "return await kernels.compile(given[0]).then(() => '', String);";
        assert_eq!(browser.run(compile, &[launch]), "", "{}", kernel.name);
    }
    let compiled = kernels::ALL.len() - left_out.len();
    println!("{compiled} shaders compiled by Tint; subgroups of {subgroup:?}");
    if !left_out.is_empty() {
        println!("left out, as Chromium has not what they need: {}", left_out.join(", "));
    }
}

/// The checks that the kernels' tests left, by name.
fn cases() -> (PathBuf, Vec<String>) {
    let folder = std::env::var_os("KERNEL_CASES").unwrap_or_else(|| "target/kernel-cases".into());
    let folder = root().join(folder);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; run the kernels' tests with KERNEL_CASES naming that folder",
            folder.display()
        )
    });
    let names = files
        .flatten()
        .filter_map(|file| file.file_name().to_str()?.strip_suffix(".json").map(ToOwned::to_owned));
    let mut names: Vec<String> = names.collect();
    names.sort();
    (folder, names)
}

#[test]
fn the_kernels_checks_hold_in_chromium() {
    let (folder, names) = cases();
    let server = serve(&Tiny::new());
    let browser = Browser::start("kernels", Gpu::Software);
    let subgroup = open(&browser, &server.url);
    let (mut checked, mut of_subgroups) = (0, 0);
    let mut covered = BTreeSet::new();
    for name in &names {
        let json = std::fs::read(folder.join(format!("{name}.json"))).expect("listed");
        let case: Value = serde_json::from_slice(&json).expect("written by the tests");
        let launches = case["launches"].as_array().expect("launches");
        // Subgroup variants fit one size of subgroups: that of the adapter that they were made for.
        if launches
            .iter()
            .any(|launch| !launch["subgroup"].is_null() && launch["subgroup"].as_u64() != subgroup)
        {
            of_subgroups += 1;
            continue;
        }
        let binary = std::fs::read(folder.join(format!("{name}.bin"))).expect("beside it");
        server.put(&format!("models/cases/{name}.json"), json);
        server.put(&format!("models/cases/{name}.bin"), binary);
        let run = "return await kernels.run(given[0], given[1]);";
        let wrong = browser.run(run, &[name.as_str().into(), 0.into()]);
        assert_eq!(wrong, "", "{name}, {}", case["what"]);
        if checked == 0 {
            // The comparison sees what is wrong.
            assert_ne!(browser.run(run, &[name.as_str().into(), 1e3.into()]), "", "{name}");
        }
        server.put(&format!("models/cases/{name}.bin"), None);
        let kernels = launches.iter().filter_map(|launch| launch["kernel"].as_str());
        covered.extend(kernels.map(ToOwned::to_owned));
        checked += 1;
    }
    let missing: Vec<&str> = kernels::ALL
        .iter()
        .filter(|kernel| {
            kernel.requires.subgroup_size.is_none() && kernel.requires.matrices.is_none()
        })
        .filter(|kernel| !covered.contains(kernel.name))
        .map(|kernel| kernel.name)
        .collect();
    assert_eq!(missing, [""; 0], "no check of these kernels was left in {}", folder.display());
    println!("{checked} checks of {} kernels hold in Chromium", covered.len());
    let left_out = kernels::ALL.iter().filter(|kernel| !covered.contains(kernel.name));
    let left_out: Vec<&str> = left_out.map(|kernel| kernel.name).collect();
    println!(
        "left out, as they need matrix units, or subgroups of {} where Chromium has {subgroup:?}: {}; {of_subgroups} checks",
        kernels::LANES,
        left_out.join(", ")
    );
}
