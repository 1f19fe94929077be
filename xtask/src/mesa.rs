//! A newer Mesa than the system's, in a folder of its own: its software driver has matrix units
//! (`VK_KHR_cooperative_matrix`), on which the kernels for those are proved without a graphics card.
//!
//! Debian's packages of the testing release are unpacked with all libraries that they need, the C library
//! included, and programs run under that folder's loader. Nothing of the system is changed, and no
//! rights are needed: apt gets private folders for its state.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{cache, run};

/// Release of Debian that the packages come from.
const SUITE: &str = "forky";

/// Packages that bring the driver.
const PACKAGES: [&str; 2] = ["mesa-vulkan-drivers", "libvulkan1"];

/// Keys that Debian signs its lists with.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where libraries of this machine's kind lie in a package.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// Whether this machine can have it: Debian and its kin on x86-64.
pub(crate) fn is_possible() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
        && Path::new(KEYRING).is_file()
        && ["apt-get", "dpkg-deb"].iter().all(|program| run::find(program).is_some())
}

/// The program that runs others on that driver; unpacked the first time, 65 MB of packages.
///
/// # Errors
/// When the packages cannot be had or unpacked.
pub(crate) fn runner() -> Result<PathBuf> {
    let folder = cache::tool("mesa", SUITE)?;
    let runner = folder.join("run");
    if runner.is_file() {
        return Ok(runner);
    }
    println!("unpacking a newer Mesa into {}", folder.display());
    run::remove(&folder)?;
    // Under another name until it is whole.
    let apt = folder.with_extension("apt");
    run::remove(&apt)?;
    download(&apt)?;
    unpack(&apt, &folder)?;
    run::remove(&apt)?;
    write_runner(&folder, &runner)?;
    Ok(runner)
}

/// Downloads the packages and all that they depend on: an empty status makes apt bring everything.
fn download(apt: &Path) -> Result<()> {
    for part in ["lists/partial", "archives/partial", "empty"] {
        fs::create_dir_all(apt.join(part))?;
    }
    fs::write(apt.join("status"), "")?;
    let mirror = mirror().context("apt names no mirror of Debian")?;
    let source = format!("deb [arch=amd64 signed-by={KEYRING}] {mirror} {SUITE} main\n");
    fs::write(apt.join("sources.list"), source)?;
    let here = apt.display();
    let settings = format!(
        "Dir::Etc::SourceList \"{here}/sources.list\";\n\
         Dir::Etc::SourceParts \"{here}/empty\";\n\
         Dir::Etc::Preferences \"/dev/null\";\n\
         Dir::Etc::PreferencesParts \"{here}/empty\";\n\
         Dir::State \"{here}\";\n\
         Dir::State::Status \"{here}/status\";\n\
         Dir::Cache \"{here}\";\n\
         APT::Architecture \"amd64\";\n\
         APT::Architectures {{ \"amd64\"; }};\n\
         APT::Install-Recommends \"false\";\n\
         APT::Sandbox::User \"\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
         Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled \"false\";\n"
    );
    let config = apt.join("apt.conf");
    fs::write(&config, settings)?;
    let get = || {
        let mut command = Command::new("apt-get");
        command.env("APT_CONFIG", &config).arg("-qq");
        command
    };
    run::run(get().arg("update"))?;
    run::run(get().args(["-y", "--download-only", "install"]).args(PACKAGES))
}

/// The mirror that the system's own packages come from.
fn mirror() -> Option<String> {
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "--format", "$(REPO_URI) $(LABEL)", "Created-By: Packages"]);
    let targets = run::output(&mut command)?;
    targets.lines().find_map(|line| Some(line.strip_suffix(" Debian")?.to_owned()))
}

fn unpack(apt: &Path, folder: &Path) -> Result<()> {
    let root = folder.join("root");
    fs::create_dir_all(&root)?;
    let mut packages = 0;
    for entry in fs::read_dir(apt.join("archives"))? {
        let package = entry?.path();
        if package.extension() == Some(OsStr::new("deb")) {
            let mut command = Command::new("dpkg-deb");
            ensure!(
                command.arg("-x").arg(&package).arg(&root).status()?.success(),
                "cannot unpack {}",
                package.display()
            );
            packages += 1;
        }
    }
    ensure!(packages > 0, "apt brought no packages");
    // The drivers of real cards are of no use here.
    for entry in fs::read_dir(root.join(LIBRARIES))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("libvulkan_") && name != "libvulkan_lvp.so" {
            fs::remove_file(path)?;
        }
    }
    for part in ["usr/share", "etc"] {
        run::remove(&root.join(part))?;
    }
    Ok(())
}

/// Writes the driver's manifest and the program that starts others with it.
fn write_runner(folder: &Path, runner: &Path) -> Result<()> {
    let libraries = folder.join("root").join(LIBRARIES);
    let loader = libraries.join("ld-linux-x86-64.so.2");
    let driver = libraries.join("libvulkan_lvp.so");
    for file in [&loader, &driver] {
        if !file.exists() {
            bail!("{} is not in the packages", file.display());
        }
    }
    let manifest = folder.join("icd.json");
    let json = format!(
        "{{\"ICD\": {{\"api_version\": \"1.4.0\", \"library_path\": \"{}\"}}, \"file_format_version\": \"1.0.1\"}}\n",
        driver.display()
    );
    fs::write(&manifest, json)?;
    // What a program itself starts runs with the system's libraries again.
    let script = format!(
        "#!/bin/sh\n\
         export VK_DRIVER_FILES='{}' VK_LOADER_LAYERS_DISABLE='~implicit~'\n\
         case $1 in */*) program=$1 ;; *) program=$(command -v \"$1\") ;; esac\n\
         shift\n\
         exec '{}' --argv0 \"$program\" --library-path '{}' \"$program\" \"$@\"\n",
        manifest.display(),
        loader.display(),
        libraries.display()
    );
    fs::write(runner, script)?;
    run::run(Command::new("chmod").arg("+x").arg(runner))
}
