// The noise level of a sequence of a batch. The importing kernel imports `rng`, too. CPU twin:
// crates/kernels/src/draw_batch.rs.

//   level = 1 + uniform in 0 .. levels - 1
//           stratified: 1 + floor(levels (b + u) / total)
//
//   word  second random word of sequence b, which is one of `total`
fn level_of(word: u32, b: u32, total: u32, levels: u32, stratified: bool) -> u32 {
    if stratified {
        // (b + u) levels / total in integers: u has 16 bits, so that the product fits.
        let scaled = ((b << 16u) + (word >> 16u)) / total;
        return 1u + ((scaled * levels) >> 16u);
    }
    return 1u + below(word, levels);
}

// Which of `total blocks` strata a block of a sequence belongs to: turned by the third random word of
// the sequence, so that no place of a text has always the lowest levels.
fn stratum_of(turn: u32, b: u32, block: u32, blocks: u32) -> u32 {
    return b * blocks + (block + below(turn, blocks)) % blocks;
}
