//! MP4 files with one H.264 track: the boxes of ISO/IEC 14496-12 and 14496-15 that players need.

use plot::draw::Size;

use super::format::Picture;

/// Ticks per picture: 90 kHz and its divisors are what players expect.
const TICKS: u32 = 3_000;

/// The file: `pictures` at `rate` pictures per second; `description` is the avcC record.
pub(super) fn file(pictures: &[Picture], description: &[u8], size: Size, rate: u32) -> Vec<u8> {
    let described = pictures.first().and_then(|picture| describe(&picture.bytes));
    let description = described.as_deref().unwrap_or(description);
    let count = pictures.len() as u32;
    let duration = count * TICKS;
    let scale = rate * TICKS;
    let kind = boxed(b"ftyp", &[b"isom", &[0, 0, 2, 0], b"isomiso2avc1mp41"]);
    let data_start = kind.len() as u32 + 8;
    let samples: Vec<&[u8]> = pictures.iter().map(|picture| picture.bytes.as_slice()).collect();
    let data = boxed(b"mdat", &samples);

    let sample_entry = boxed(
        b"avc1",
        &[
            &[0, 0, 0, 0, 0, 0, 0, 1], // reserved, data reference 1
            &[0; 16],
            &(size.width as u16).to_be_bytes(),
            &(size.height as u16).to_be_bytes(),
            &words(&[0x0048_0000, 0x0048_0000, 0]), // 72 dpi
            &1u16.to_be_bytes(),                    // one picture per sample
            &[0; 32],
            &[0, 24, 0xFF, 0xFF], // depth, no colour table
            &boxed(b"avcC", &[description]),
        ],
    );
    let keys: Vec<u32> =
        (1..).zip(pictures).filter(|(_, picture)| picture.key).map(|(number, _)| number).collect();
    let lengths: Vec<u32> = pictures.iter().map(|picture| picture.bytes.len() as u32).collect();
    let table = boxed(
        b"stbl",
        &[
            &full(b"stsd", 0, &[&words(&[1]), &sample_entry]),
            &full(b"stts", 0, &[&words(&[1, count, TICKS])]),
            &full(b"stss", 0, &[&words(&[keys.len() as u32]), &words(&keys)]),
            &full(b"stsc", 0, &[&words(&[1, 1, count, 1])]),
            &full(b"stsz", 0, &[&words(&[0, count]), &words(&lengths)]),
            &full(b"stco", 0, &[&words(&[1, data_start])]),
        ],
    );
    let references = full(b"dref", 0, &[&words(&[1]), &full(b"url ", 1, &[])]);
    let media =
        boxed(b"minf", &[&full(b"vmhd", 1, &[&[0; 8]]), &boxed(b"dinf", &[&references]), &table]);
    let media_header = full(b"mdhd", 0, &[&words(&[0, 0, scale, duration]), &[0x55, 0xC4, 0, 0]]);
    let handler = full(b"hdlr", 0, &[&[0; 4], b"vide", &[0; 12], b"cinnabar\0"]);
    let track_header = full(
        b"tkhd",
        3, // enabled, in the movie
        &[
            &words(&[0, 0, 1, 0, duration, 0, 0]), // times, id, duration, reserved
            &[0; 8],                               // layer, group, volume
            &words(&MATRIX),
            &words(&[size.width << 16, size.height << 16]),
        ],
    );
    let movie_header = full(
        b"mvhd",
        0,
        &[
            &words(&[0, 0, scale, duration, 0x0001_0000]), // normal speed
            &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],         // full volume, reserved
            &words(&MATRIX),
            &[0; 24],
            &words(&[2]), // next track
        ],
    );
    let media = boxed(b"mdia", &[&media_header, &handler, &media]);
    let movie = boxed(b"moov", &[&movie_header, &boxed(b"trak", &[&track_header, &media])]);
    [kind, data, movie].concat()
}

/// The avcC record of the parameter sets that a picture brings along. Firefox has them in the stream, and
/// a record with the first byte of each doubled, which players refuse.
fn describe(picture: &[u8]) -> Option<Vec<u8>> {
    const SEQUENCE: u8 = 7;
    const PICTURE: u8 = 8;
    let mut sets = [None, None];
    let mut rest = picture;
    while let Some((length, units)) = rest.split_first_chunk::<4>() {
        let unit = units.get(..u32::from_be_bytes(*length) as usize)?;
        rest = &units[unit.len()..];
        match unit.first()? & 0x1f {
            SEQUENCE => sets[0] = Some(unit),
            PICTURE => sets[1] = Some(unit),
            _ => {}
        }
    }
    let [sequence, picture] = [sets[0]?, sets[1]?];
    let &[_, profile, compatible, level, ..] = sequence else { return None };
    // Lengths of four bytes; one set of either kind.
    let mut out = vec![1, profile, compatible, level, 0xff, 0xe1];
    out.extend((sequence.len() as u16).to_be_bytes());
    out.extend(sequence);
    out.push(1);
    out.extend((picture.len() as u16).to_be_bytes());
    out.extend(picture);
    if profile >= 100 {
        // Colour at half the resolution, eight bits deep, no further sets.
        out.extend([0xfd, 0xf8, 0xf8, 0]);
    }
    Some(out)
}

/// No rotation.
const MATRIX: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

fn boxed(name: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let length = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = (length as u32).to_be_bytes().to_vec();
    out.extend(name);
    parts.iter().for_each(|part| out.extend(*part));
    out
}

/// A box of version 0 with flags.
fn full(name: &[u8; 4], flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let flags = flags.to_be_bytes();
    let all: Vec<&[u8]> = std::iter::once(flags.as_slice()).chain(parts.iter().copied()).collect();
    boxed(name, &all)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_fill_the_file() {
        let pictures =
            [Picture { bytes: vec![7; 10], key: true }, Picture { bytes: vec![8; 5], key: false }];
        let file = file(&pictures, &[1, 2, 3], Size::WIDE, 30);
        let mut at = 0;
        let mut names = vec![];
        while at < file.len() {
            let length = u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes"));
            names.push(String::from_utf8_lossy(&file[at + 4..at + 8]).into_owned());
            at += length as usize;
        }
        assert_eq!((at, names), (file.len(), vec!["ftyp".into(), "mdat".into(), "moov".into()]));
        assert!(file.windows(7).any(|window| window == b"avcC\x01\x02\x03"));
        let start = file.windows(10).position(|window| window == [7; 10]).expect("the picture");
        let stco = file.windows(4).position(|window| window == b"stco").expect("its offset");
        assert_eq!(file[stco + 12..stco + 16], (start as u32).to_be_bytes());
    }

    /// The beginning of a stream that Firefox 153 encodes, whose own record has a length of 25 and 67 67.
    #[test]
    fn parameter_sets_in_the_stream_describe_it() {
        let sequence = b"\x67\x64\x00\x28\xac\xd9\x40\x50\x05\xba\x10\x00\x00\x03\x00\x10\
            \x01\xe8\x48\x00\xf1\x83\x19\x60";
        let picture = b"\x68\xeb\xec\xb2\x2c";
        let units: [&[u8]; 4] = [sequence, picture, b"\x06\x05\xff", b"\x65\x88"];
        let unit = |unit: &&[u8]| [(unit.len() as u32).to_be_bytes().as_slice(), *unit].concat();
        let bytes: Vec<u8> = units.iter().flat_map(unit).collect();
        let expected = [
            b"\x01\x64\x00\x28\xff\xe1\x00\x18".as_slice(),
            sequence,
            b"\x01\x00\x05",
            picture,
            b"\xfd\xf8\xf8\x00",
        ];
        assert_eq!(describe(&bytes), Some(expected.concat()));
        let file = file(&[Picture { bytes, key: true }], &[1, 2, 3], Size::WIDE, 30);
        assert!(file.windows(8).any(|window| window == b"avcC\x01\x64\x00\x28"));
        // Without them, or cut, the encoder's record stands.
        assert_eq!(describe(&unit(&units[3])), None);
        assert_eq!(describe(b"\0\0\0\x09\x67"), None);
    }
}
