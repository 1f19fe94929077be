//! The graphics drivers to test on: both software ones on Linux, and a real GPU where there is one.

use crate::{mesa, needs, vulkan};
use anyhow::{Result, bail, ensure};
use std::path::PathBuf;

/// A graphics driver to test on.
pub(crate) struct Driver {
    pub name: String,
    /// The only driver visible to the tests; `None` leaves the choice to the system.
    pub manifest: Option<PathBuf>,
    /// A program that the tests run under, which chooses the driver; it has matrix units.
    pub runner: Option<PathBuf>,
}

/// The drivers to test on, and the names of missing ones. All tests run on the first driver, the
/// shader tests on the others too.
///
/// # Errors
/// When there is no adapter at all, since the tests would then prove nothing.
pub(crate) fn find() -> Result<(Vec<Driver>, Vec<String>)> {
    if !cfg!(target_os = "linux") {
        // Metal and DirectX 12 come with the system; the tests fail if no adapter answers.
        let name = "the system's adapter".to_owned();
        let system = Driver { name, manifest: None, runner: None };
        return Ok((vec![system], Vec::new()));
    }
    let (mut drivers, mut missing) = (Vec::new(), Vec::new());
    let software = [
        ("lavapipe", vulkan::lavapipe(), needs::VULKAN),
        ("SwiftShader", vulkan::swiftshader(), needs::CHROMIUM),
    ];
    for (name, manifest, need) in software {
        let Some(manifest) = manifest else {
            missing.push(format!("{name} (install {})", need.by_hand));
            continue;
        };
        let device = vulkan::devices(Some(&manifest))?.remove(0);
        let name = format!("{name}, {}", device.name);
        drivers.push(Driver { name, manifest: Some(manifest), runner: None });
    }
    // Second, if all is well: the first runs all tests.
    match newer_mesa() {
        Ok(driver) => drivers.insert(drivers.len().min(1), driver),
        Err(error) => println!("the kernels for matrix units are not tested: {error:#}"),
    }
    match vulkan::devices(None) {
        Ok(all) => {
            let real = all.into_iter().find(|gpu| !gpu.software);
            drivers.extend(real.map(|gpu| Driver { name: gpu.name, manifest: None, runner: None }));
        }
        Err(error) if drivers.is_empty() => return Err(error),
        Err(error) => println!("no real GPU is used: {error:#}"),
    }
    if drivers.is_empty() {
        bail!("no graphics adapter to test on; missing: {}", missing.join(", "));
    }
    Ok((drivers, missing))
}

/// The software driver with matrix units, where this machine can have it.
///
/// # Errors
/// When it cannot.
pub(crate) fn newer_mesa() -> Result<Driver> {
    ensure!(mesa::is_possible(), "a newer Mesa is set up on Debian for x86-64 alone");
    let runner = mesa::runner()?;
    let device = vulkan::devices_under(&runner)?.remove(0);
    let name = format!("a newer lavapipe, {}", device.name);
    Ok(Driver { name, manifest: None, runner: Some(runner) })
}
