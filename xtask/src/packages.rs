//! System packages: finds the package manager and installs what is missing.

use crate::run;
use anyhow::{Context, Result};
use std::process::Command;

/// A package manager that this program can drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    Apt,
    Dnf,
    Pacman,
    Zypper,
    Apk,
    Brew,
    Winget,
    Choco,
}

use Manager::*;

/// A program or library of the system that the project uses.
pub(crate) struct Need {
    /// Its name, as shown to the user.
    pub name: &'static str,
    /// What it is for.
    pub why: &'static str,
    /// What to install by hand where no known package manager is found.
    pub by_hand: &'static str,
    /// Detects it.
    pub is_present: fn() -> bool,
    /// Names of the packages that bring it.
    pub packages: fn(Manager) -> &'static [&'static str],
}

impl Manager {
    /// The first one found on PATH.
    pub(crate) fn find() -> Option<Self> {
        let all: &[Manager] = if cfg!(windows) {
            &[Winget, Choco]
        } else if cfg!(target_os = "macos") {
            &[Brew]
        } else {
            &[Apt, Dnf, Pacman, Zypper, Apk]
        };
        all.iter().copied().find(|manager| run::find(manager.program()).is_some())
    }

    fn program(self) -> &'static str {
        match self {
            Apt => "apt-get",
            Dnf => "dnf",
            Pacman => "pacman",
            Zypper => "zypper",
            Apk => "apk",
            Brew => "brew",
            Winget => "winget",
            Choco => "choco",
        }
    }

    /// Arguments before the names of the packages; none of them asks a question.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Apt => &["install", "-y", "--no-install-recommends"],
            Dnf => &["install", "-y"],
            // A full upgrade with the install: Arch does not support partial ones.
            Pacman => &["-Syu", "--needed", "--noconfirm"],
            Zypper => &["--non-interactive", "install", "--no-recommends"],
            Apk => &["add"],
            Brew => &["install"],
            Winget => &[
                "install",
                "--exact",
                "--accept-package-agreements",
                "--accept-source-agreements",
                "--id",
            ],
            Choco => &["install", "-y"],
        }
    }

    /// The commands that install these packages, in order.
    pub(crate) fn install_commands(self, packages: &[&str]) -> Vec<Command> {
        let mut commands = Vec::new();
        if self == Apt {
            let mut update = self.command();
            update.arg("update");
            commands.push(update);
        }
        // winget installs one id at a time.
        let groups = packages.chunks(if self == Winget { 1 } else { packages.len().max(1) });
        commands.extend(groups.map(|group| {
            let mut install = self.command();
            install.args(self.arguments()).args(group);
            install
        }));
        commands
    }

    /// Installs these packages.
    ///
    /// # Errors
    /// When the package manager fails, with the command to type by hand.
    pub(crate) fn install(self, packages: &[&str]) -> Result<()> {
        for mut command in self.install_commands(packages) {
            // An outdated list of one foreign repository must not stop the installation itself.
            let refresh = command.get_args().any(|arg| arg == "update");
            match run::run(&mut command) {
                Err(error) if refresh => println!("  continuing after an error: {error:#}"),
                result => result.context("the package manager could not install everything")?,
            }
        }
        Ok(())
    }

    fn command(self) -> Command {
        let as_user = matches!(self, Brew | Winget | Choco) || is_root();
        if as_user || run::find("sudo").is_none() {
            let mut command = Command::new(self.program());
            command.env("DEBIAN_FRONTEND", "noninteractive");
            return command;
        }
        let mut command = Command::new("sudo");
        if self == Apt {
            // sudo drops the environment, so apt-get gets its variable from env(1).
            command.args(["env", "DEBIAN_FRONTEND=noninteractive"]);
        }
        command.arg(self.program());
        command
    }
}

/// Installs whichever of these packages are missing, and reports each one. A failed installation is
/// reported but not fatal: the caller finds out where it needs the program.
pub(crate) fn install_missing(needs: &[Need]) {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.is_present)()).collect();
    if missing.is_empty() {
        return;
    }
    println!("Missing on this system:");
    for need in &missing {
        println!("  {}: {}", need.name, need.why);
    }
    let Some(manager) = Manager::find() else {
        println!("No package manager known to this program was found. Please install:");
        for need in missing {
            println!("  {}", need.by_hand);
        }
        return;
    };
    let packages: Vec<&str> =
        missing.iter().flat_map(|need| (need.packages)(manager)).copied().collect();
    if let Err(error) = manager.install(&packages) {
        println!("{error:#}; trying the packages one by one");
        for need in missing.iter().filter(|need| !(need.packages)(manager).is_empty()) {
            if let Err(error) = manager.install((need.packages)(manager)) {
                println!("{}: {error:#}", need.name);
            }
        }
    }
    for need in missing.iter().filter(|need| !(need.is_present)()) {
        println!("Still missing, please install by hand: {}", need.by_hand);
    }
}

fn is_root() -> bool {
    run::output(Command::new("id").arg("-u")).is_some_and(|id| id == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_refreshes_its_lists_first() {
        let lines: Vec<String> =
            Apt.install_commands(&["ffmpeg", "chromium"]).iter().map(run::line).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("apt-get update"), "{}", lines[0]);
        assert!(
            lines[1].ends_with("apt-get install -y --no-install-recommends ffmpeg chromium"),
            "{}",
            lines[1]
        );
    }

    #[test]
    fn winget_installs_one_at_a_time() {
        let commands = Winget.install_commands(&["Gyan.FFmpeg", "Google.Chrome"]);
        let last: Vec<_> =
            commands.iter().filter_map(|command| command.get_args().last()).collect();
        assert_eq!(last, ["Gyan.FFmpeg", "Google.Chrome"]);
    }
}
