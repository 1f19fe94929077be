//! The system packages that the project uses: what each is for, how to detect it, and its name in
//! each package manager.

use crate::packages::Manager::*;
use crate::packages::Need;
use crate::{mpi, run, vulkan};

/// A Vulkan loader with Mesa's software driver (Linux; Metal and DirectX come with their systems).
pub(crate) const VULKAN: Need = Need {
    name: "Vulkan loader and Mesa's software driver (lavapipe)",
    why: "the tests run every shader, also where there is no GPU",
    by_hand: "a Vulkan loader, Mesa's lavapipe driver and vulkaninfo",
    is_present: || {
        !cfg!(target_os = "linux")
            || (vulkan::lavapipe().is_some() && run::find("vulkaninfo").is_some())
    },
    packages: |manager| match manager {
        Apt => &["libvulkan1", "mesa-vulkan-drivers", "vulkan-tools"],
        Dnf => &["vulkan-loader", "mesa-vulkan-drivers", "vulkan-tools"],
        Pacman => &["vulkan-icd-loader", "vulkan-swrast", "vulkan-tools"],
        Zypper => &["libvulkan1", "libvulkan_lvp", "vulkan-tools"],
        Apk => &["vulkan-loader", "mesa-vulkan-swrast", "vulkan-tools"],
        Brew | Winget | Choco => &[],
    },
};

/// ffmpeg.
pub(crate) const FFMPEG: Need = Need {
    name: "ffmpeg",
    why: "it encodes the MP4 of a generation (the GIF needs nothing)",
    by_hand: "ffmpeg, with H.264",
    is_present: || run::find("ffmpeg").is_some(),
    packages: |manager| match manager {
        Dnf => &["ffmpeg-free"],
        Winget => &["Gyan.FFmpeg"],
        Apt | Pacman | Zypper | Apk | Brew | Choco => &["ffmpeg"],
    },
};

/// Chromium and chromedriver; on Linux with the SwiftShader driver that ships with it.
pub(crate) const CHROMIUM: Need = Need {
    name: "Chromium with its driver and SwiftShader",
    why: "the page is tested in it, and its software Vulkan driver is the one the page will meet",
    by_hand: "Chromium or Google Chrome, and chromedriver",
    is_present: || {
        run::find("chromedriver").is_some()
            && (vulkan::swiftshader().is_some() || !cfg!(target_os = "linux"))
    },
    packages: |manager| match manager {
        Apt => &["chromium", "chromium-driver"],
        Dnf | Zypper => &["chromium", "chromedriver"],
        Pacman => &["chromium"],
        Apk => &["chromium", "chromium-chromedriver"],
        Brew => &["google-chrome", "chromedriver"],
        Winget => &["Google.Chrome", "Chromium.ChromeDriver"],
        Choco => &["googlechrome", "chromedriver"],
    },
};

/// Firefox; its driver is one of the build tools.
pub(crate) const FIREFOX: Need = Need {
    name: "Firefox",
    why: "the page is tested in it, too, on the CPU",
    by_hand: "Firefox (firefox-esr on Debian)",
    is_present: || run::find("firefox-esr").is_some() || run::find("firefox").is_some(),
    packages: |manager| match manager {
        Apt => &["firefox-esr"],
        Dnf | Pacman | Apk | Brew | Choco => &["firefox"],
        Zypper => &["MozillaFirefox"],
        Winget => &["Mozilla.Firefox"],
    },
};

/// Node's package manager.
pub(crate) const NPM: Need = Need {
    name: "npm",
    why: "a pinned wasm-opt, which shrinks the page's release build, and axe-core, which checks \
          that everybody can use it, come from there",
    by_hand: "Node.js with npm",
    is_present: || run::find("npm").is_some(),
    packages: |manager| match manager {
        Dnf => &["nodejs-npm"],
        Zypper => &["npm-default"],
        Brew => &["node"],
        Winget => &["OpenJS.NodeJS.LTS"],
        Choco => &["nodejs-lts"],
        Apt | Pacman | Apk => &["nodejs", "npm"],
    },
};

/// An MPI library, and libclang for the bindings to it. Only Linux is tested with it.
pub(crate) const MPI: Need = Need {
    name: "MPI and libclang",
    why: "several processes can train one network (an optional part of the program)",
    by_hand: "Open MPI or MPICH with its headers, and libclang",
    is_present: || !cfg!(target_os = "linux") || mpi::is_present(),
    packages: |manager| match manager {
        Apt => &["libopenmpi-dev", "openmpi-bin", "libclang-dev"],
        Dnf => &["openmpi-devel", "clang-devel"],
        Pacman => &["openmpi", "clang"],
        Zypper => &["openmpi4-devel", "clang-devel"],
        Apk => &["openmpi-dev", "clang-dev"],
        Brew | Winget | Choco => &[],
    },
};
