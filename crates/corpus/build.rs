//! Writes which characters are letters and which are numbers, as boundaries of their runs. The table of
//! all general categories would be a hundredth of the page's download, and this is a tenth of it.

use std::fs;
use std::path::PathBuf;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let class = |c: char| match c.general_category_group() {
        GeneralCategoryGroup::Letter => 1,
        GeneralCategoryGroup::Number => 2,
        _ => 0,
    };
    let mut boundaries = vec![];
    let mut last = 0;
    for c in '\0'..=char::MAX {
        if class(c) != last {
            last = class(c);
            boundaries.push(u32::from(c) << 2 | last);
        }
    }
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let table = format!("[u32; {}] = {boundaries:?}", boundaries.len());
    let text = format!(
        "/// First characters of runs of one class, times four, plus the class.\nstatic RUNS: {table};\n"
    );
    fs::write(folder.join("classes.rs"), text).expect("cargo's own folder");
}
