//! What a run says after each thing that it does.

use diffusion::training::{Evaluation, Split};

use crate::Saved;

/// What [`Run::advance`](crate::Run::advance) did.
#[derive(Debug)]
pub enum Event {
    /// Handed a step to the device, which may still be at it.
    Step {
        /// Its number, from 1.
        step: u32,
    },
    /// Read and logged the losses of the latest steps.
    Losses {
        /// Mean loss since the last such event, in nats; `None` if all steps were skipped.
        loss: Option<f64>,
        /// Speed.
        tokens_per_second: f64,
        /// Steps that changed nothing, because their gradients are not finite.
        skipped: u32,
    },
    /// Measured and logged the loss on fixed batches.
    Evaluation {
        /// Steps done.
        step: u32,
        /// On the training part.
        train: Evaluation,
        /// On the held-out part.
        validation: Evaluation,
        /// Upper bound of the information in the held-out part, in bits per byte; of an
        /// autoregressive network the information itself.
        bits_per_byte: f64,
        /// Standard error of `bits_per_byte`.
        bits_per_byte_error: f64,
    },
    /// Wrote and logged a text.
    Sample {
        /// Steps done.
        step: u32,
        /// The text on one line.
        text: String,
    },
    /// Collected a checkpoint, which is to be stored.
    Checkpoint(Box<Saved>),
    /// The network has diverged. Later calls would go on from there.
    NonFinite(NonFinite),
    /// Nothing: the run is over.
    End(Outcome),
}

/// How a run ended without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are done.
    Complete,
    /// It was asked to stop.
    Interrupted,
}

/// A number that is not finite.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NonFinite {
    /// In so many steps in a row that others will not help.
    #[error("no gradient was finite since step {step}, whose loss is {loss} and whose gradient's norm is {grad_norm}{}", seen_in(.tensor))]
    Steps {
        /// The first of them.
        step: u32,
        /// Its loss.
        loss: f32,
        /// Norm of its gradient.
        grad_norm: f32,
        /// Where such a value was found, for instance ``values of `lm_head.weight` ``.
        tensor: Option<String>,
    },
    /// In an evaluation.
    #[error("the {} loss after step {step} is {loss}{}", .split.as_str(), seen_in(.tensor))]
    Evaluation {
        /// Steps done.
        step: u32,
        /// Part of the corpus.
        split: Split,
        /// Its loss.
        loss: f64,
        /// Where such a value was found.
        tensor: Option<String>,
    },
}

fn seen_in(tensor: &Option<String>) -> String {
    tensor.as_ref().map_or(String::new(), |tensor| format!(", seen in the {tensor}"))
}
