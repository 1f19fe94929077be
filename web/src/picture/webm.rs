//! WebM files with one video track: the little of Matroska that players need.
//!
//! Element ids and types are those of RFC 9559; sizes are written as RFC 8794, section 4, says.

use plot::draw::Size;

use super::format::Picture;

/// Milliseconds that a cluster spans at most: block times are 16 bits, relative to it.
const CLUSTER_MS: u32 = 5_000;

/// The file: `pictures` at `rate` pictures per second, encoded by `codec` (WebCodecs' name).
pub(super) fn file(pictures: &[Picture], codec: &str, size: Size, rate: u32) -> Vec<u8> {
    let header = master(
        0x1A45_DFA3,
        &[
            number(0x4286, 1), // EBMLVersion
            number(0x42F7, 1), // EBMLReadVersion
            number(0x42F2, 4), // EBMLMaxIDLength
            number(0x42F3, 8), // EBMLMaxSizeLength
            text(0x4282, "webm"),
            number(0x4287, 4), // DocTypeVersion
            number(0x4285, 2), // DocTypeReadVersion
        ],
    );
    let milliseconds = |index: usize| (index as u64 * 1000 / u64::from(rate)) as u32;
    let info = master(
        0x1549_A966,
        &[
            number(0x2A_D7B1, 1_000_000), // TimestampScale: nanoseconds per tick
            element(0x4489, &f64::from(milliseconds(pictures.len())).to_be_bytes()), // Duration
            text(0x4D80, "cinnabar"),     // MuxingApp
            text(0x5741, "cinnabar"),     // WritingApp
        ],
    );
    let tracks = master(
        0x1654_AE6B,
        &[master(
            0xAE, // TrackEntry
            &[
                number(0xD7, 1),                                    // TrackNumber
                number(0x73C5, 1),                                  // TrackUID
                number(0x83, 1),                                    // TrackType: video
                number(0x9C, 0),                                    // FlagLacing
                number(0x23_E383, 1_000_000_000 / u64::from(rate)), // DefaultDuration
                text(0x86, if codec.starts_with("vp09") { "V_VP9" } else { "V_VP8" }),
                master(
                    0xE0, // Video
                    &[number(0xB0, size.width.into()), number(0xBA, size.height.into())],
                ),
            ],
        )],
    );
    let mut parts = vec![info, tracks];
    let mut at = 0;
    while at < pictures.len() {
        let start = milliseconds(at);
        let inside = |&i: &usize| {
            i == at || milliseconds(i) - start < CLUSTER_MS && !(pictures[i].key && i > at)
        };
        let end = (at..pictures.len()).take_while(inside).last().map_or(at + 1, |last| last + 1);
        let blocks = (at..end).map(|i| block(&pictures[i], milliseconds(i) - start));
        let elements: Vec<_> = std::iter::once(number(0xE7, start.into())).chain(blocks).collect();
        parts.push(master(0x1F43_B675, &elements)); // Cluster
        at = end;
    }
    [header, master(0x1853_8067, &parts)].concat()
}

/// A SimpleBlock.
fn block(picture: &Picture, relative_ms: u32) -> Vec<u8> {
    let mut body = vec![0x81]; // track 1
    body.extend((relative_ms as u16).to_be_bytes());
    body.push(if picture.key { 0x80 } else { 0 });
    body.extend(&picture.bytes);
    element(0xA3, &body)
}

fn master(id: u32, parts: &[Vec<u8>]) -> Vec<u8> {
    element(id, &parts.concat())
}

fn number(id: u32, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let used = (8 - value.leading_zeros() as usize / 8).max(1);
    element(id, &bytes[8 - used..])
}

fn text(id: u32, value: &str) -> Vec<u8> {
    element(id, value.as_bytes())
}

fn element(id: u32, body: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    let skipped = id.iter().take_while(|&&byte| byte == 0).count();
    let mut out = id[skipped..].to_vec();
    // Always eight bytes: the mark, then 56 bits of size.
    out.extend((body.len() as u64 | 1 << 56).to_be_bytes());
    out.extend(body);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements() {
        assert_eq!(number(0xD7, 1), [0xD7, 1, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(number(0x2A_D7B1, 0x1234)[..3], [0x2A, 0xD7, 0xB1]);
        assert_eq!(number(0x9C, 0).last(), Some(&0));
    }

    #[test]
    fn every_cluster_begins_with_a_key() {
        let picture = |i: u32| Picture { bytes: vec![i as u8; 3], key: i.is_multiple_of(60) };
        let pictures: Vec<_> = (0..200).map(picture).collect();
        let file = file(&pictures, "vp8", Size::WIDE, 30);
        let cluster = 0x1F43_B675u32.to_be_bytes();
        let count = file.windows(4).filter(|window| *window == cluster).count();
        assert_eq!(count, 4);
    }
}
