// Kinds of the positions of a text in generation. Host side: crates/kernels/src/remask.rs.

// A given token, which never changes.
const GIVEN: u32 = 0u;
// The model writes it.
const FREE: u32 = 1u;
// The model writes it, but the text cannot end there.
const FREE_NO_END: u32 = 2u;
