//! The log of a run: one JSON object a line. It is the truth; curves are made from it.

use diffusion::training::Split;
use serde::{Deserialize, Serialize};

/// One line of the log. Losses and entropies in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Record {
    /// A run, or a further part of one, begins.
    Start {
        /// Steps done before.
        step: u32,
        /// What computes, as people read it.
        device: String,
        /// Number of parameters.
        parameters: usize,
        /// Number of tokens in the vocabulary.
        vocabulary: usize,
        /// Tokens of a step.
        tokens: usize,
        /// Tokens of the training part of the corpus.
        train_tokens: usize,
        /// Tokens of the held-out part.
        validation_tokens: usize,
        /// Entropy of what wrote the corpus in bits per byte, which no model can fall below, if it
        /// is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entropy: Option<f64>,
        /// Name of the model whose weights it begins with, if these are not random.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<String>,
    },
    /// Steps up to `step` since the record before.
    Step {
        /// The last of them, from 1.
        step: u32,
        /// Mean loss.
        loss: f64,
        /// Norm of the last one's gradient before clipping.
        grad_norm: f64,
        /// Learning rate of the last one.
        lr: f64,
        /// Speed.
        tokens_per_second: f64,
        /// Steps that changed nothing, because their gradients are not finite; they count neither
        /// for the loss nor for the norm.
        #[serde(default, skip_serializing_if = "is_zero")]
        skipped: u32,
    },
    /// An evaluation on fixed batches, after `step` steps.
    Evaluation {
        /// Steps done.
        step: u32,
        /// Part of the corpus.
        split: Split,
        /// Mean cross-entropy of masked tokens.
        loss: f64,
        /// Share of masked tokens that were the likeliest.
        accuracy: f64,
        /// Mean entropy of the predictions.
        entropy: f64,
        /// Upper bound of the text's information, in bits per byte of UTF-8: of the same batches
        /// for every tokenizer, unlike the loss.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bits_per_byte: Option<f64>,
        /// Standard error of `bits_per_byte`, from the scatter of the sequences.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bits_per_byte_error: Option<f64>,
    },
    /// A generated text.
    Sample {
        /// Steps done.
        step: u32,
        /// The text on one line.
        text: String,
    },
    /// The run, or this part of it, ends.
    End {
        /// Steps done.
        step: u32,
        /// Seconds of training, over all parts.
        seconds: f64,
        /// `complete`, `interrupted` or what went wrong.
        reason: String,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A line that is not a record.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the log is damaged: {reason}")]
pub struct LogError {
    line: usize,
    reason: String,
}

/// Records with their bytes. What was read is kept byte for byte.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    bytes: Vec<u8>,
    records: Vec<Record>,
}

impl Log {
    /// Reads a file of lines.
    ///
    /// # Errors
    /// A line that is not a record.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, LogError> {
        let lines = bytes.split(|&byte| byte == b'\n').zip(1..);
        let records = lines.filter(|(line, _)| !line.is_empty()).map(|(line, number)| {
            serde_json::from_slice(line).map_err(|error: serde_json::Error| {
                // It counts lines, too, from the beginning of this one.
                let place = format!(" at line {} column {}", error.line(), error.column());
                let text = match error.is_eof() {
                    true => "it breaks off".to_owned(),
                    false => error.to_string(),
                };
                let reason = text.strip_suffix(&place).unwrap_or(&text).to_owned();
                LogError { line: number, reason }
            })
        });
        let records = records.collect::<Result<_, _>>()?;
        Ok(Self { bytes, records })
    }

    /// Adds a line.
    pub fn push(&mut self, record: Record) {
        serde_json::to_writer(&mut self.bytes, &record).expect("records have a JSON form");
        self.bytes.push(b'\n');
        self.records.push(record);
    }

    /// All lines.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All records.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_after_its_first_part() {
        let first = Record::Sample { step: 1, text: "Tim said \"hi\".\n".to_owned() };
        let second = Record::Step {
            step: 2,
            loss: 6.5,
            grad_norm: 0.5,
            lr: 1e-3,
            tokens_per_second: 1e4,
            skipped: 0,
        };
        let mut log = Log::default();
        log.push(first.clone());
        let before = log.bytes().to_vec();
        let mut log = Log::parse(before.clone()).expect("whole lines");
        log.push(second.clone());
        assert!(log.bytes().starts_with(&before));
        assert_eq!(log.records(), [first, second]);
        assert_eq!(Log::parse(log.bytes().to_vec()).expect("whole lines"), log);
    }

    #[test]
    fn a_damaged_line_is_named() {
        let damaged = b"{\"event\":\"sample\",\"step\":1,\"text\":\"\"}\n\n{\"event\":\"step\"\n";
        let error = Log::parse(damaged.to_vec()).expect_err("a damaged line").to_string();
        assert!(error.starts_with("line 3 of the log is damaged: it breaks off"), "{error}");
        assert!(!error.contains("line 1"), "{error}");
    }
}
