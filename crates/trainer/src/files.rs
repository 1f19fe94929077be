//! Writing a file so that it is there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// A file being written. Its errors are complete sentences that name the file.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    path: &'a Path,
    file: BufWriter<File>,
}

impl Output<'_> {
    fn explain<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| explain(self.path, &error))
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.explain(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.explain(flushed)
    }
}

/// Writes the file at `path` through `write`: to a temporary sibling, which is renamed once all of
/// it is on the disk. Whatever fails, an older file at `path` stays as it was. A path that is not a
/// file (`/dev/stdout`, a pipe) is written to directly.
pub(crate) fn write_atomically<T>(
    path: &Path,
    write: impl FnOnce(&mut Output<'_>) -> Result<T>,
) -> Result<T> {
    let explained = |error: io::Error| explain(path, &error);
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => anyhow::bail!(
            "cannot write {}: it is a folder; give the name of a file in it",
            path.display()
        ),
        Ok(found) if !found.is_file() => {
            let file = BufWriter::new(File::create(path).map_err(explained)?);
            return fill(&mut Output { path, file }, write);
        }
        _ => {}
    }
    // Through a link, so that the link stays one.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    // Dropped without having been persisted, it is removed: on a full disk that gives back its space.
    let sibling = sibling(&target)
        .with_context(|| format!("cannot write {}: it has no file name", path.display()))?
        .map_err(explained)?;
    let file = BufWriter::new(sibling.as_file().try_clone().map_err(explained)?);
    let value = fill(&mut Output { path, file }, write)?;
    sibling.as_file().sync_all().map_err(explained)?;
    sibling.persist(&target).map_err(|error| explained(error.error))?;
    sync_folder(&target).map_err(explained)?;
    Ok(value)
}

fn fill<T>(output: &mut Output<'_>, write: impl FnOnce(&mut Output<'_>) -> Result<T>) -> Result<T> {
    let value = write(output)?;
    output.flush()?;
    Ok(value)
}

/// A temporary file with a hidden name in the folder of `path`; `None` if that has no file name.
fn sibling(path: &Path) -> Option<io::Result<NamedTempFile>> {
    let name = format!(".{}.", path.file_name()?.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&name).suffix(".part");
    // Not for its owner alone, as temporary files are by default; the umask has its say.
    #[cfg(unix)]
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    Some(builder.tempfile_in(folder.map_or_else(|| PathBuf::from("."), Path::to_owned)))
}

/// A rename is safe once its folder is on the disk.
#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if folder != Path::new("") => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
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
    io::Error::new(error.kind(), format!("cannot write {}: {reason}", path.display()))
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
        Ok(())
    }
}
