//! Vulkan on Linux: manifests of the software drivers, and available devices.

use crate::run;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Vulkan device.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gpu {
    pub name: String,
    /// Whether it is a software implementation.
    pub software: bool,
}

/// The manifest of Mesa's lavapipe.
pub(crate) fn lavapipe() -> Option<PathBuf> {
    let folders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // Multi-arch systems have one manifest per architecture: lvp_icd.x86_64.json.
            name.starts_with("lvp_icd.")
                && (name == "lvp_icd.json" || name.contains(std::env::consts::ARCH))
        })
}

/// The manifest of the SwiftShader that ships with Chromium or Chrome.
pub(crate) fn swiftshader() -> Option<PathBuf> {
    [
        "/usr/lib/chromium",
        "/usr/lib64/chromium",
        "/usr/lib/chromium-browser",
        "/usr/lib64/chromium-browser",
        "/opt/google/chrome",
        "/snap/chromium/current/usr/lib/chromium-browser",
    ]
    .iter()
    .map(|folder| Path::new(folder).join("vk_swiftshader_icd.json"))
    .find(|path| path.is_file())
}

/// Sets XDG_RUNTIME_DIR where it is missing, which drivers otherwise warn about.
pub(crate) fn quiet(command: &mut Command) {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        command.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
}

/// Restricts a command to this driver.
pub(crate) fn only(command: &mut Command, manifest: &Path) {
    // Loaders before 1.3.207 know the second name only.
    command.env("VK_DRIVER_FILES", manifest).env("VK_ICD_FILENAMES", manifest);
}

/// The available devices of one driver, or of all.
///
/// # Errors
/// When there is none.
pub(crate) fn devices(manifest: Option<&Path>) -> Result<Vec<Gpu>> {
    let mut command = Command::new("vulkaninfo");
    if let Some(manifest) = manifest {
        only(&mut command, manifest);
    }
    let driver =
        manifest.map_or_else(|| "any driver".to_owned(), |path| path.display().to_string());
    summary(&mut command, &driver)
}

/// The devices of a driver that a program chooses for others, which it runs.
///
/// # Errors
/// When there is none.
pub(crate) fn devices_under(runner: &Path) -> Result<Vec<Gpu>> {
    summary(Command::new(runner).arg("vulkaninfo"), &runner.display().to_string())
}

fn summary(command: &mut Command, driver: &str) -> Result<Vec<Gpu>> {
    quiet(command);
    let text = run::output(command.arg("--summary")).with_context(|| {
        format!("no Vulkan device answers through {driver} (vulkaninfo failed)")
    })?;
    let gpus = parse(&text);
    if gpus.is_empty() {
        bail!("no Vulkan device answers through {driver}");
    }
    Ok(gpus)
}

/// Parses `vulkaninfo --summary`; the type precedes the name.
fn parse(summary: &str) -> Vec<Gpu> {
    let mut software = false;
    let mut gpus = Vec::new();
    for (key, value) in summary.lines().filter_map(|line| line.split_once('=')) {
        match key.trim() {
            "deviceType" => software = value.trim() == "PHYSICAL_DEVICE_TYPE_CPU",
            "deviceName" => gpus.push(Gpu { name: value.trim().to_owned(), software }),
            _ => {}
        }
    }
    gpus
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_is_read() {
        let text = "Devices:\n========\nGPU0:\n\tapiVersion         = 4206816 (1.3.224)\n\
            \tdeviceType         = PHYSICAL_DEVICE_TYPE_DISCRETE_GPU\n\
            \tdeviceName         = Some Card\n\tdriverID = X\nGPU1:\n\
            \tdeviceType         = PHYSICAL_DEVICE_TYPE_CPU\n\
            \tdeviceName         = llvmpipe (LLVM 15.0.6, 256 bits)\n";
        assert_eq!(
            parse(text),
            [
                Gpu { name: "Some Card".into(), software: false },
                Gpu { name: "llvmpipe (LLVM 15.0.6, 256 bits)".into(), software: true },
            ]
        );
        assert_eq!(parse(""), []);
    }
}
