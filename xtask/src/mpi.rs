//! MPI, with which several processes train one network: an optional part of the program, which is built and
//! tested where its library and libclang, which writes the bindings, are found.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run;

/// Whether everything is there to build and to run it.
pub(crate) fn is_present() -> bool {
    ["mpicc", "mpirun"].iter().all(|program| run::find(program).is_some()) && has_libclang()
}

/// What cargo is told, so that all stages build the same program.
pub(crate) fn features() -> &'static [&'static str] {
    if cfg!(target_os = "linux") && is_present() { &["--features", "trainer/mpi"] } else { &[] }
}

/// libclang and the headers that come with it, where distributions put them.
fn has_libclang() -> bool {
    let llvm = entries(Path::new("/usr/lib")).filter(|path| named(path, "llvm"));
    let folders: Vec<_> =
        llvm.map(|path| path.join("lib")).chain(["/usr/lib".into(), "/usr/lib64".into()]).collect();
    let library = |folder: &PathBuf| {
        entries(folder).any(|path| named(&path, "libclang.so") || named(&path, "libclang-1"))
    };
    let headers = |folder: &PathBuf| {
        entries(&folder.join("clang")).any(|version| version.join("include/stddef.h").is_file())
    };
    folders.iter().any(library) && folders.iter().any(headers)
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn named(path: &Path, beginning: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(beginning))
}
