//! The story grammar as a source of `data`: its files, and the entropy of what it writes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use corpus::grammar::{Entropy, Grammar};
use indicatif::{HumanCount, ProgressBar};

use crate::print::say;

/// The grammar in a folder of text files; without a folder, the program's own.
pub(crate) fn read(folder: Option<&Path>) -> Result<Grammar> {
    let Some(folder) = folder else {
        return Ok(Grammar::embedded());
    };
    let cannot_read = || format!("cannot read the grammar in {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot_read)? {
        let path = entry.with_context(cannot_read)?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            files.push((path.display().to_string(), text));
        }
    }
    ensure!(!files.is_empty(), "{} holds no file whose name ends in .txt", folder.display());
    // Folders list their files in any order.
    files.sort();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Ok(Grammar::parse(&files)?)
}

/// Measures the entropy on the first stories of a seed, and prints it.
pub(crate) fn print_entropy(grammar: &Grammar, seed: u64, stories: u64, bar: &ProgressBar) {
    let entropy = Entropy::sample(grammar, seed, stories, || bar.inc(1));
    bar.finish_and_clear();
    let Entropy { bits, bytes, bits_per_byte, ambiguity, ambiguous, .. } = entropy;
    say!(
        "{} stories of seed {seed}, from {} plots; errors are standard errors",
        HumanCount(stories),
        grammar.plots().len()
    );
    say!("entropy: {:.5} +- {:.5} bits per byte", bits_per_byte.mean, bits_per_byte.error);
    say!("a story: {:.2} +- {:.2} bits, {:.1} bytes", bits.mean, bits.error, bytes.mean);
    say!("different stories: roughly 2^{:.0} = {:.0e}", bits.mean, bits.mean.exp2());
    say!(
        "derivations that give the same text are summed: {} stories have more than one; counting \
         one only would add {:.4} bits a story",
        HumanCount(ambiguous),
        ambiguity.mean
    );
    say!("no model can expect to need fewer bits per byte for stories that it has not seen");
}
