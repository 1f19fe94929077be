//! What a person's files are: a model, a trace, or neither.

use web_sys::File;

/// What to do with files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Load a model, by the indices of its checkpoint and tokenizer.
    Model {
        /// Index of the weights.
        checkpoint: usize,
        /// Index of `tokenizer.json`.
        tokenizer: usize,
    },
    /// Open the trace with this index.
    Trace(usize),
    /// Go on with the training whose files these are.
    Training,
    /// Train on these texts.
    Texts,
    /// Nothing can be done; a sentence says why.
    Neither(String),
}

impl Dropped {
    /// Decides by the names of the files, and by whether the page shows the training.
    pub fn of(names: &[String], trains: bool) -> Self {
        let named = |wanted: &str| names.iter().position(|name| name == wanted);
        let text = |name: &String| [".txt", ".md"].iter().any(|end| name.ends_with(end));
        // A saved training, alone or beside the text that it was trained on.
        let mut others = names.iter().filter(|name| !text(name));
        let zip = others.next().is_some_and(|name| name.ends_with(".zip"));
        let alone = zip && others.next().is_none();
        // A checkpoint is a model to write with, and a training to go on with.
        if alone || (trains && named("optimizer.safetensors").is_some()) {
            return Self::Training;
        }
        if trains && !names.is_empty() && names.iter().all(text) {
            return Self::Texts;
        }
        let ending = |end: &str| names.iter().position(|name| name.ends_with(end));
        let checkpoint = named("model.safetensors").or_else(|| ending(".safetensors"));
        match (checkpoint, named("tokenizer.json"), names) {
            (Some(checkpoint), Some(tokenizer), _) => Self::Model { checkpoint, tokenizer },
            (None, None, [name]) if name.ends_with(".json") => Self::Trace(0),
            (Some(checkpoint), None, _) => Self::Neither(format!(
                "There is no tokenizer.json beside {}: drop both together, or the whole folder of \
                 the checkpoint.",
                names[checkpoint]
            )),
            (None, Some(_), _) => Self::Neither(
                "There is no model.safetensors beside tokenizer.json: drop both together, or the \
                 whole folder of the checkpoint."
                    .to_owned(),
            ),
            (None, None, [name]) if text(name) => Self::Neither(format!(
                "“{name}” is a text. A model can learn from it: press Train, then drop it again."
            )),
            (None, None, [name]) => Self::Neither(format!(
                "“{name}” is neither a model nor a trace. A model is model.safetensors with \
                 tokenizer.json; a trace is a .json file saved by this page or by trainer sample."
            )),
            (None, None, _) => Self::Neither(
                "There is no model.safetensors among the files. Drop the whole folder of a \
                 checkpoint: it holds model.safetensors and tokenizer.json."
                    .to_owned(),
            ),
        }
    }
}

/// A name for several files.
pub fn title(files: &[File]) -> String {
    match files {
        [] => String::new(),
        [file] => file.name(),
        [first, others @ ..] => format!("{} and {} more", first.name(), others.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Dropped {
        Dropped::of(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>(), false)
    }

    #[test]
    fn a_training_takes_texts_and_checkpoints() {
        let of = |names: &[&str], trains| {
            Dropped::of(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>(), trains)
        };
        let checkpoint = ["model.safetensors", "tokenizer.json", "optimizer.safetensors"];
        assert_eq!(of(&["tiny.zip"], false), Dropped::Training);
        assert_eq!(of(&["stories.txt", "tiny.zip"], true), Dropped::Training);
        assert!(matches!(of(&["a.zip", "b.zip"], true), Dropped::Neither(_)));
        assert_eq!(of(&checkpoint, true), Dropped::Training);
        assert!(matches!(of(&checkpoint, false), Dropped::Model { .. }));
        assert_eq!(of(&["a.txt", "b.md"], true), Dropped::Texts);
        assert!(matches!(of(&["a.txt"], false), Dropped::Neither(_)));
    }

    #[test]
    fn a_model_is_two_files() {
        let all = ["a.safetensors", "log.jsonl", "tokenizer.json", "model.safetensors"];
        assert_eq!(of(&all), Dropped::Model { checkpoint: 3, tokenizer: 2 });
        assert_eq!(of(&all[..3]), Dropped::Model { checkpoint: 0, tokenizer: 2 });
    }

    #[test]
    fn a_lone_json_file_is_a_trace() {
        assert_eq!(of(&["cinnabar-trace.json"]), Dropped::Trace(0));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (names, missing) in [
            (&["model.safetensors"][..], "no tokenizer.json beside model.safetensors"),
            (&["tokenizer.json"], "no model.safetensors beside tokenizer.json"),
            (&["cat.jpg"], "“cat.jpg” is neither a model nor a trace"),
            (&["cat.txt"], "“cat.txt” is a text"),
            (&["cat.jpg", "dog.jpg"], "no model.safetensors among the files"),
            (&[], "no model.safetensors among the files"),
        ] {
            match of(names) {
                Dropped::Neither(sentence) => {
                    assert!(sentence.contains(missing) && !sentence.contains('`'), "{sentence}");
                }
                other => panic!("{names:?}: {other:?}"),
            }
        }
    }
}
