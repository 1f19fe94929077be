//! What a person's files are: a model, a trace, or neither.

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
    /// Nothing can be done; a sentence says why.
    Neither(String),
}

impl Dropped {
    /// Decides by the names of the files.
    pub fn of(names: &[String]) -> Self {
        let named = |wanted: &str| names.iter().position(|name| name == wanted);
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
            (None, None, [name]) => Self::Neither(format!(
                "“{name}” is neither a model nor a trace. A model is model.safetensors with \
                 tokenizer.json; a trace is a .json file saved by this page or by `sample`."
            )),
            (None, None, _) => Self::Neither(
                "There is no model.safetensors among the files. Drop the whole folder of a \
                 checkpoint: it holds model.safetensors and tokenizer.json."
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Dropped {
        Dropped::of(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
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
            (&["cat.jpg", "dog.jpg"], "no model.safetensors among the files"),
            (&[], "no model.safetensors among the files"),
        ] {
            match of(names) {
                Dropped::Neither(sentence) => assert!(sentence.contains(missing), "{sentence}"),
                other => panic!("{names:?}: {other:?}"),
            }
        }
    }
}
