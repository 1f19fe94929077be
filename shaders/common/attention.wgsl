// What every attention kernel shares: sizes, and which keys a query sees.
//
//   FULL             every key
//   BLOCKS           keys up to the end of the query's own block; blocks of one make it causal
//   BLOCK_DIFFUSION  the sequence is [noisy ; clean], two halves of the same positions. A noisy
//                    query sees the noisy keys of its own block and the clean keys of earlier
//                    blocks; a clean query sees clean keys up to the end of its own block
//                    (BD3-LM, arXiv 2503.09573)
//
// What a query sees is one range of keys per part: the whole sequence, or each half of it. Kernels
// walk through the ranges of a tile and skip the rest.
//
// Host side: crates/kernels/src/attention/mask.rs.

const FULL: u32 = 0u;
const BLOCKS: u32 = 1u;
const BLOCK_DIFFUSION: u32 = 2u;

const HEAD_DIM: u32 = 64u;
const MASK: u32 = 0u;
// Parts of a sequence: 2 for BLOCK_DIFFUSION, else 1.
const PARTS: u32 = 1u + MASK / 2u;

struct Params {
    heads: u32,
    queries: u32,
    keys: u32,
    // Position of the first query among the keys.
    query_offset: u32,
    // Rows of a sequence in kv, and their parts: 3 where queries lie before keys and values, or 2.
    kv_rows: u32,
    kv_parts: u32,
    // Positions of a block.
    block: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

struct Range {
    begin: u32,
    end: u32,
}

// The keys of a part that a query sees.
fn keys_of(query: u32, part: u32) -> Range {
    if MASK == FULL {
        return Range(0u, params.keys);
    }
    let position = params.query_offset + query;
    if MASK == BLOCKS {
        return Range(0u, min((position / params.block + 1u) * params.block, params.keys));
    }
    let half = params.keys / 2u;
    let block = position % half / params.block * params.block;
    let next = min(block + params.block, half);
    let noisy = position < half;
    if part == 0u {
        return Range(select(half, block, noisy), select(half, next, noisy));
    }
    return Range(half, half + select(next, block, noisy));
}

// The queries of a part that see a key.
fn queries_of(key: u32, part: u32) -> Range {
    if MASK == FULL {
        return Range(0u, params.queries);
    }
    if MASK == BLOCKS {
        let position = max(key / params.block * params.block, params.query_offset);
        return Range(min(position - params.query_offset, params.queries), params.queries);
    }
    let half = params.keys / 2u;
    let block = key % half / params.block * params.block;
    let next = min(block + params.block, half);
    let noisy = key < half;
    if part == 0u {
        return Range(select(next, block, noisy), select(half, next, noisy));
    }
    return Range(half + select(block, 0u, noisy), half + select(half, 0u, noisy));
}

// The same range, whose end a compiler takes to depend on the workgroup: where params alone bound a
// loop, lavapipe compiles the kernel anew for every launch.
fn opaque(range: Range, first: u32) -> Range {
    return Range(range.begin, range.end + (first >> 31u));
}

fn hull(a: Range, b: Range) -> Range {
    return Range(min(a.begin, b.begin), max(a.end, b.end));
}

// The keys of a part that any of the queries first to last sees. Both ends of a range grow with the
// query within a half, so that the outermost queries of each half decide.
fn keys_of_tile(first: u32, last: u32, part: u32) -> Range {
    var range = hull(keys_of(first, part), keys_of(last, part));
    if MASK == BLOCK_DIFFUSION {
        let half = params.keys / 2u;
        range = hull(range, keys_of(clamp(half - 1u, first, last), part));
        range = hull(range, keys_of(clamp(half, first, last), part));
    }
    return opaque(range, first);
}

// The queries of a part that see any of the keys first to last.
fn queries_of_tile(first: u32, last: u32, part: u32) -> Range {
    var range = hull(queries_of(first, part), queries_of(last, part));
    if MASK == BLOCK_DIFFUSION {
        let half = params.keys / 2u;
        range = hull(range, queries_of(clamp(half - 1u, first, last), part));
        range = hull(range, queries_of(clamp(half, first, last), part));
    }
    return opaque(range, first);
}
