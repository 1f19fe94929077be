//! Stories of several files, mixed.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use corpus::text::{Pieces, Survey};

use crate::files;

/// Bytes of a file that are read at a time.
const PIECE: usize = 1 << 22;

/// Stories of several files in turn, so that each file has its share of the bytes wherever one stops. It
/// ends when the file whose turn it is has no more.
pub(super) struct Mixture(Vec<Part>);

/// A file, being read.
struct Part {
    path: PathBuf,
    share: f64,
    pieces: Pieces<File>,
    stories: VecDeque<String>,
    /// Bytes of the stories that were taken.
    taken: u64,
}

impl Mixture {
    /// Opens files, each with its share; shares count against each other.
    ///
    /// # Errors
    /// A file cannot be read twice, as it has to be.
    pub(super) fn open(parts: &[(PathBuf, f64)]) -> Result<Self> {
        parts.iter().map(|(path, share)| Part::open(path, *share)).collect::<Result<_>>().map(Self)
    }

    /// The next story.
    fn story(&mut self) -> Result<Option<String>> {
        let due = |part: &Part| part.taken as f64 / part.share;
        let next = self.0.iter_mut().min_by(|a, b| due(a).total_cmp(&due(b)));
        let Some(part) = next else { return Ok(None) };
        let story = part.story().with_context(|| files::input_name(&part.path))?;
        part.taken += story.as_ref().map_or(0, |story| story.len() as u64);
        Ok(story)
    }
}

impl Iterator for Mixture {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.story().transpose()
    }
}

impl Part {
    fn open(path: &Path, share: f64) -> Result<Self> {
        ensure!(path.is_file(), "cannot read {}: it is not a file", path.display());
        let open = || -> Result<Pieces<File>> {
            let boundaries = Survey::of(File::open(path)?)?.boundaries;
            Ok(Pieces::new(File::open(path)?, boundaries, PIECE))
        };
        let pieces = open().with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path: path.to_owned(), share, pieces, stories: VecDeque::new(), taken: 0 })
    }

    fn story(&mut self) -> Result<Option<String>> {
        while self.stories.is_empty() {
            let Some(piece) = self.pieces.next_piece()? else { return Ok(None) };
            let corpus = piece.corpus()?;
            self.stories.extend(corpus.stories().iter().map(|&story| story.to_owned()));
        }
        Ok(self.stories.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_file_has_its_share_wherever_one_stops() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (few, many) = (folder.path().join("few.txt"), folder.path().join("many.txt"));
        // 1,000 bytes a story beside 10: shares are of bytes.
        fs::write(&few, format!("{}\n<|endoftext|>\n", "a".repeat(1_000)).repeat(30))?;
        fs::write(&many, "bbbbbbbbbb\n<|endoftext|>\n".repeat(100_000))?;
        let parts = [(few.clone(), 3.0), (many.clone(), 1.0)];
        let stories: Vec<_> = Mixture::open(&parts)?.collect::<Result<_>>()?;
        let (mut of_few, mut of_many) = (0, 0);
        for (number, story) in stories.iter().enumerate() {
            match story.starts_with('a') {
                true => of_few += story.len(),
                false => of_many += story.len(),
            }
            assert!(of_few.abs_diff(3 * of_many) <= 1_000, "after {number} stories");
        }
        // The rest of the longer file has no counterpart.
        assert_eq!((of_few, of_many), (30_000, 10_000));
        let error = Mixture::open(&[(folder.path().join("none"), 1.0)]).err().expect("no file");
        assert!(error.to_string().ends_with("none: it is not a file"), "{error}");
        Ok(())
    }
}
