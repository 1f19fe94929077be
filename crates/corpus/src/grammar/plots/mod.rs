//! The plots: what can happen in a story.

mod adventures;
mod feelings;
mod friends;
mod home;

/// One kind of story.
pub(super) struct Plot {
    /// Seasons it can happen in, by their number in the lexicon.
    pub(super) seasons: &'static [usize],
    /// What the hero is like.
    pub(super) traits: &'static [&'static str],
    /// In the order of telling, one template of each.
    pub(super) beats: &'static [&'static [&'static str]],
}

/// All plots.
pub(super) const PLOTS: &[&Plot] = &[
    &adventures::LOST_TOY,
    &adventures::LOST_IN_THE_WOOD,
    &adventures::STRANGE_SOUND,
    &adventures::MAGIC_WISH,
    &adventures::SNOWMAN,
    &feelings::AFRAID,
    &feelings::BROKEN_AND_HIDDEN,
    &feelings::SHARING,
    &feelings::WAITING_FOR_A_SEED,
    &friends::SMALL_RESCUE,
    &friends::NEWCOMER,
    &friends::RACE,
    &friends::QUARREL,
    &home::NEW_SKILL,
    &home::RAINED_OUT,
    &home::PRESENT,
    &home::MACHINE,
    &home::SWAPS,
];

const ANY: &[usize] = &[0, 1, 2, 3];
const NOT_WINTER: &[usize] = &[0, 1, 2];

/// Who the story is about.
const INTRO: &[&str] = &[
    "[Once upon a time|Once|A long time ago|Not so very long ago], there [was|lived] a* {trait} {h.kind} [named|called] {h}. {He} lived in {h.home}.",
    "{h} was a* {trait} {h.kind}. {He} [and {e} |]lived in {h.home}.",
    "In {h.home} there lived a* {trait} {h.kind} [named|called] {h}.",
    "This is the story of {h}, a* {trait} {h.kind} who lived in {h.home}.",
    "There was once a* {trait} {h.kind} whose name was {h} and whose home was {h.home}.",
    "Far away, in {h.home}, lived {h}, a* {trait} {h.kind}.",
];

const SKY: &[&str] = &["{sky}", "{sky}", ""];

const BREAK: &[&str] = &["¶", "¶", ""];

/// Last sentences that fit most stories.
const GOOD_NIGHT: &[&str] = &[
    "That night {h} [slept like a stone|slept better than ever|dreamed until the rooster crowed].",
    "When the stars came out, {h} was already [fast asleep|snoring softly].",
    "{h} felt {feel}.",
    "And if {h} has not forgotten it, {he} still tells the tale today.",
    "At supper {h} told the whole story once more, from beginning to end.",
    "",
];
