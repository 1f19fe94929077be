// The order in which a pass keeps drawn tokens, highest first. Host side: crates/kernels/src/remask.rs.

// Score of a token that stays, whatever the others are.
const STAYS: f32 = 3e38;
// Score of a position that becomes or stays a mask, whatever the others are.
const WAITS: f32 = -3e38;

// Whether the score leaves open if the token stays.
fn open(score: f32) -> bool {
    return score > WAITS && score < STAYS;
}

// Whether position `other` comes first; of equals the one further to the right does.
fn earlier(theirs: f32, other: u32, mine: f32, n: u32) -> bool {
    return theirs > mine || (theirs == mine && other > n);
}
