//! The system packages that the project uses: what each is for, how to see that it is there, and
//! what it is called by each package manager.

use crate::packages::Manager::{self, *};
use crate::{run, vulkan};

/// Something that the system should have.
pub(crate) struct Need {
    /// What it is, as said to the user.
    pub name: &'static str,
    /// What it is for.
    pub why: &'static str,
    /// What to install by hand on a system that this program does not know.
    pub by_hand: &'static str,
    present: fn() -> bool,
    packages: fn(Manager) -> &'static [&'static str],
}

impl Need {
    /// Whether the system has it already.
    pub(crate) fn present(&self) -> bool {
        (self.present)()
    }

    /// The packages that bring it.
    pub(crate) fn packages(&self, manager: Manager) -> &'static [&'static str] {
        (self.packages)(manager)
    }
}

/// A Vulkan loader with Mesa's software driver (Linux; Metal and DirectX come with their systems).
pub(crate) const VULKAN: Need = Need {
    name: "Vulkan loader and Mesa's software driver (lavapipe)",
    why: "the tests run every shader, also where there is no GPU",
    by_hand: "a Vulkan loader, Mesa's lavapipe driver and vulkaninfo",
    present: || {
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
    present: || run::find("ffmpeg").is_some(),
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
    present: || {
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

/// Node's package manager.
pub(crate) const NPM: Need = Need {
    name: "npm",
    why: "a pinned wasm-opt, which shrinks the page's release build, and axe-core, which checks \
          that everybody can use it, come from there",
    by_hand: "Node.js with npm",
    present: || run::find("npm").is_some(),
    packages: |manager| match manager {
        Dnf => &["nodejs-npm"],
        Zypper => &["npm-default"],
        Brew => &["node"],
        Winget => &["OpenJS.NodeJS.LTS"],
        Choco => &["nodejs-lts"],
        Apt | Pacman | Apk => &["nodejs", "npm"],
    },
};

/// Debian's Rust compiler for WebAssembly, where rustup's standard library cannot be had.
pub(crate) const DEBIAN_WASM: Need = Need {
    name: "Debian's rustc-web with the sources of the standard library",
    why: "rustup could not bring the standard library for WebAssembly",
    by_hand: "`rustup target add wasm32-unknown-unknown`",
    present: || crate::wasm::debian().is_some(),
    packages: |manager| match manager {
        Apt => &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"],
        Dnf | Pacman | Zypper | Apk | Brew | Winget | Choco => &[],
    },
};
