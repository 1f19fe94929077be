//! Token ids in a file, read as they are needed.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use corpus::cache::{CacheError, Ids, Key};
use diffusion::training::Tokens;

/// A file of token ids that stays open: its ids are there even when its name is taken away.
#[derive(Debug)]
pub(crate) struct TokenFile {
    file: Mutex<File>,
    ids: Ids,
}

impl TokenFile {
    /// Opens the file at `path`, and checks all of it.
    ///
    /// # Errors
    /// There is none, or it is not what was written for this key.
    pub(crate) fn open(path: &Path, key: &Key) -> Result<Self, CacheError> {
        let file = File::open(path)?;
        let ids = Ids::check(BufReader::new(&file), file.metadata()?.len(), key)?;
        // The least recently used one goes first; without the time any other does.
        let used = File::options().append(true).open(path);
        let _ = used.and_then(|file| file.set_modified(SystemTime::now()));
        Ok(Self { file: Mutex::new(file), ids })
    }
}

impl Tokens for TokenFile {
    fn len(&self) -> usize {
        self.ids.count()
    }

    fn read(&self, range: Range<usize>) -> io::Result<Vec<u32>> {
        let place = self.ids.bytes(range);
        let mut bytes = vec![0; (place.end - place.start) as usize];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(place.start))?;
        file.read_exact(&mut bytes)?;
        Ok(self.ids.decode(&bytes))
    }
}
