//! Writing a file so that it is there whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

/// What stands for standard output where a file's name is expected.
const STANDARD: &str = "-";

/// Temporary files that are being written. The one thing in the program that is global and changes:
/// signals are global, too, and a signal that ends the program removes them.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Removes the temporary files that are being written.
pub(crate) fn remove_unfinished() {
    let mut unfinished = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
    for path in std::mem::take(&mut *unfinished) {
        // The program ends; the next one tries again.
        let _ = fs::remove_file(path);
    }
}

/// A file being written: to a temporary sibling, which takes its name in [`Output::finish`], once
/// all of it is on the disk. Dropped before, it leaves an older file as it was. What is not a file
/// (a pipe, a device, `-` for standard output) is written to directly.
///
/// Errors are complete sentences that name the file.
pub(crate) struct Output {
    path: PathBuf,
    sink: BufWriter<Box<dyn Write>>,
    sibling: Option<Sibling>,
}

/// A temporary file and whose place it takes.
struct Sibling {
    file: NamedTempFile,
    target: PathBuf,
}

impl Drop for Sibling {
    fn drop(&mut self) {
        let mut unfinished = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        unfinished.remove(self.file.path());
    }
}

impl Output {
    /// Opens a file that is to be written, and finds out whether it can be.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let explained = |error: io::Error| explain(path, &error);
        let direct = |sink: Box<dyn Write>| Self {
            path: path.to_owned(),
            sink: BufWriter::new(sink),
            sibling: None,
        };
        if is_standard(path) {
            return Ok(direct(Box::new(io::stdout())));
        }
        let found = fs::metadata(path);
        match &found {
            Ok(found) if found.is_dir() => anyhow::bail!(
                "cannot write {}: it is a folder; give the name of a file in it",
                path.display()
            ),
            Ok(found) if !found.is_file() => {
                let opened = OpenOptions::new().write(true).open(path).map_err(explained)?;
                return Ok(direct(Box::new(opened)));
            }
            Ok(found) if found.permissions().readonly() => anyhow::bail!(
                "cannot write {}: it is write-protected; choose another name",
                path.display()
            ),
            _ => {}
        }
        let target = through_links(path);
        sweep(&target);
        // Dropped without having been persisted, it is removed: on a full disk that gives back its space.
        let file = sibling(&target)
            .with_context(|| format!("cannot write {}: it has no file name", path.display()))?
            .map_err(explained)?;
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).insert(file.path().to_owned());
        // Says to a later program that this one is still at it; some file systems have no locks.
        let _ = file.as_file().try_lock();
        if let Ok(found) = found {
            // Whoever may not read the old file may not read the new one.
            fs::set_permissions(file.path(), found.permissions()).map_err(explained)?;
        }
        let sink: Box<dyn Write> = Box::new(file.as_file().try_clone().map_err(explained)?);
        let sibling = Some(Sibling { file, target });
        Ok(Self { path: path.to_owned(), sink: BufWriter::new(sink), sibling })
    }

    /// Its name, as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The temporary file, for a program that writes it; `None` where nothing but a stream of bytes
    /// can be written.
    pub(crate) fn sibling(&self) -> Option<&Path> {
        Some(self.sibling.as_ref()?.file.path())
    }

    /// Puts the file in its place.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()?;
        let Some(sibling) = self.sibling.take() else { return Ok(()) };
        let explained = |error: io::Error| explain(&self.path, &error);
        sibling.file.as_file().sync_all().map_err(explained)?;
        fs::rename(sibling.file.path(), &sibling.target).map_err(explained)?;
        sync_folder(&sibling.target).map_err(explained)?;
        Ok(())
    }

    fn explain<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| explain(&self.path, &error))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes);
        self.explain(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.sink.flush();
        self.explain(flushed)
    }
}

/// Writes the file at `path` through `write`: see [`Output`].
pub(crate) fn write_atomically<T>(
    path: &Path,
    write: impl FnOnce(&mut Output) -> Result<T>,
) -> Result<T> {
    let mut output = Output::create(path)?;
    let value = write(&mut output)?;
    output.finish()?;
    Ok(value)
}

/// Whether a file's name stands for standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new(STANDARD)
}

/// What people call an input.
pub(crate) fn input_name(path: &Path) -> String {
    if is_standard(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// What people call an output.
pub(crate) fn output_name(path: &Path) -> String {
    if is_standard(path) { "standard output".to_owned() } else { path.display().to_string() }
}

/// The bytes of a file; `-` is standard input.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if is_standard(path) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(path)
}

/// The text of a file, without a byte order mark; `-` is standard input.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let bytes = read(path)?;
    if let Some(stranger) = model::stranger(&bytes) {
        anyhow::bail!("{stranger}");
    }
    let mut text = String::from_utf8(bytes).context("this is not UTF-8 text")?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

/// What a TOML file says.
pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = read_text(path)?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |at| text[..at.start].matches('\n').count()) + 1;
        let message: Vec<_> = error.message().split_whitespace().collect();
        anyhow::anyhow!("line {line}: {}", message.join(" "))
    })
}

/// Refuses outputs that would overwrite an input or one another.
pub(crate) fn distinct<'a>(
    inputs: impl IntoIterator<Item = &'a Path>,
    outputs: impl IntoIterator<Item = &'a Path>,
) -> Result<()> {
    let place = |path: &Path| {
        let path = through_links(path);
        match (fs::canonicalize(folder(&path)), path.file_name()) {
            (Ok(folder), Some(name)) => folder.join(name),
            _ => path,
        }
    };
    let inputs: Vec<_> = inputs.into_iter().map(place).collect();
    let mut taken = Vec::new();
    for path in outputs {
        let place = place(path);
        // Devices and pipes may be named as often as one likes.
        if fs::metadata(&place).is_ok_and(|found| !found.is_file()) {
            continue;
        }
        let name = path.display();
        anyhow::ensure!(
            !inputs.contains(&place),
            "{name} is read, so it cannot be written to; choose another name"
        );
        anyhow::ensure!(
            !taken.contains(&place),
            "{name} is to be written twice; choose other names"
        );
        taken.push(place);
    }
    Ok(())
}

/// Where a link leads, so that the link stays one, also one to a file that is not there yet.
fn through_links(path: &Path) -> PathBuf {
    if let Ok(found) = fs::canonicalize(path) {
        return found;
    }
    match fs::read_link(path) {
        Ok(target) => path.parent().unwrap_or(Path::new("")).join(target),
        Err(_) => path.to_owned(),
    }
}

/// How the names of temporary files for `path` begin; `None` if that has no file name.
fn prefix(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    // Names may have 255 bytes; the rest is for what makes it unique.
    let end = name.floor_char_boundary(200);
    Some(format!(".{}.", &name[..end]))
}

/// How they end.
const SUFFIX: &str = ".part";

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// A temporary file with a hidden name in the folder of `path`; `None` if that has no file name.
fn sibling(path: &Path) -> Option<io::Result<NamedTempFile>> {
    let name = prefix(path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(&name).suffix(SUFFIX);
    // Not for its owner alone, as temporary files are by default; the umask has its say.
    #[cfg(unix)]
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    Some(builder.tempfile_in(folder(path)))
}

/// Removes what a killed program left of `path`: what nobody has locked, and not only since just now.
fn sweep(path: &Path) {
    let (Some(prefix), Ok(entries)) = (prefix(path), fs::read_dir(folder(path))) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Six characters make a name unique; `a` is not to sweep up after `a.b`.
        let middle = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(SUFFIX));
        let ours = middle.is_some_and(|middle| middle.len() == 6 && !middle.contains('.'));
        let age = entry
            .metadata()
            .and_then(|found| found.modified())
            .map(|time| SystemTime::now().duration_since(time).unwrap_or_default());
        if ours && age.is_ok_and(|age| age > Duration::from_secs(2)) {
            let left = File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
            if left {
                // It is in nobody's way; the next one tries again.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// A rename is safe once its folder is on the disk.
#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    File::open(folder(file))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The error as one sentence: which file, what is wrong, what to do.
pub(crate) fn explain(path: &Path, error: &io::Error) -> io::Error {
    let reason = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "the disk is full; free some space or write elsewhere".to_owned()
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "its folder cannot be written to; choose another place".to_owned()
        }
        ErrorKind::NotFound => "its folder does not exist; create it first".to_owned(),
        ErrorKind::NotADirectory => "its folder is a file; choose another place".to_owned(),
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("cannot write {}: {reason}", output_name(path)))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder)
            .expect("folder")
            .map(|entry| entry.expect("entry").file_name())
            .collect()
    }

    #[test]
    fn the_old_file_stays_until_the_new_one_is_whole() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("stories.txt");
        fs::write(&path, "old")?;
        let failed: Result<()> = write_atomically(&path, |output| {
            output.write_all(b"half of the ne")?;
            assert_eq!(fs::read(&path)?, b"old");
            anyhow::bail!("the source dried up")
        });
        assert_eq!(failed.unwrap_err().to_string(), "the source dried up");
        assert_eq!(fs::read(&path)?, b"old");
        assert_eq!(names(folder.path()), ["stories.txt"]);

        assert_eq!(write_atomically(&path, |output| Ok(output.write(b"new")?))?, 3);
        assert_eq!(fs::read(&path)?, b"new");
        assert_eq!(names(folder.path()), ["stories.txt"]);
        Ok(())
    }

    #[test]
    fn places_that_cannot_be_written_are_named() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("file");
        fs::write(&file, "")?;
        for (path, reason) in [
            (folder.path().to_owned(), "it is a folder; give the name of a file in it"),
            (folder.path().join("missing/out"), "its folder does not exist; create it first"),
            #[cfg(unix)]
            (file.join("out"), "its folder is a file; choose another place"),
            // Nobody creates files there, not even root.
            #[cfg(target_os = "linux")]
            ("/sys/out".into(), "its folder cannot be written to; choose another place"),
        ] {
            let error = write_atomically(&path, |_| Ok(())).unwrap_err();
            assert_eq!(error.to_string(), format!("cannot write {}: {reason}", path.display()));
        }
        Ok(())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named() {
        let path = Path::new("/dev/full");
        let error = write_atomically(path, |output| Ok(output.write_all(&[0; 100_000])?));
        assert_eq!(
            error.unwrap_err().to_string(),
            "cannot write /dev/full: the disk is full; free some space or write elsewhere"
        );
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_what_they_may_read_of_other_files() -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let (ours, usual) = (folder.path().join("ours"), folder.path().join("usual"));
        write_atomically(&ours, |_| Ok(()))?;
        File::create(&usual)?;
        let mode = |path: &Path| Ok::<_, io::Error>(fs::metadata(path)?.permissions().mode());
        assert_eq!(mode(&ours)?, mode(&usual)?);
        Ok(())
    }

    #[test]
    fn what_a_killed_program_left_is_removed() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let old = SystemTime::now() - Duration::from_secs(60);
        for name in [".a.txt.1b2c3d.part", ".a.txt.b.1b2c3d.part", ".b.txt.1b2c3d.part"] {
            File::create(folder.path().join(name))?.set_modified(old)?;
        }
        // Somebody is still writing this one.
        let held = File::create(folder.path().join(".a.txt.zzzzzz.part"))?;
        held.set_modified(old)?;
        held.lock()?;
        write_atomically(&folder.path().join("a.txt"), |_| Ok(()))?;
        let mut left = names(folder.path());
        left.sort();
        let expected =
            [".a.txt.b.1b2c3d.part", ".a.txt.zzzzzz.part", ".b.txt.1b2c3d.part", "a.txt"];
        assert_eq!(left, expected);
        Ok(())
    }

    #[test]
    fn an_output_is_no_input_and_only_one() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&a, "")?;
        let error = |inputs: &[&Path], outputs: &[&Path]| {
            distinct(inputs.iter().copied(), outputs.iter().copied()).map_err(|e| e.to_string())
        };
        assert!(error(&[&a], &[&b]).is_ok());
        let other_spelling = folder.path().join("./a");
        assert!(error(&[&a], &[&other_spelling]).unwrap_err().contains("is read"));
        let b_again = folder.path().join("./b");
        assert!(error(&[&a], &[&b, &b_again]).unwrap_err().contains("written twice"));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn long_names_private_files_and_write_protection() -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("é".repeat(127));
        write_atomically(&path, |output| Ok(output.write_all(b"old")?))?;
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        write_atomically(&path, |output| Ok(output.write_all(b"new")?))?;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, PermissionsExt::from_mode(0o444))?;
        let error = write_atomically(&path, |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("it is write-protected"), "{error}");
        assert_eq!(fs::read(&path)?, b"new");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old")?;
        std::os::unix::fs::symlink(&file, &link)?;
        write_atomically(&link, |output| Ok(output.write_all(b"new")?))?;
        assert!(fs::symlink_metadata(&link)?.is_symlink());
        assert_eq!(fs::read(&file)?, b"new");
        // Also one that leads to nothing yet.
        fs::remove_file(&file)?;
        write_atomically(&link, |output| Ok(output.write_all(b"newer")?))?;
        assert!(fs::symlink_metadata(&link)?.is_symlink());
        assert_eq!(fs::read(&file)?, b"newer");
        Ok(())
    }
}
