//! ZIP archives of a few files, stored as they are: what a training is taken along in.
//!
//! The format is that of PKWARE's APPNOTE: local headers (4.3.7) with their data, the central directory
//! (4.3.12), its end (4.3.16). Sizes below 4 GiB.

/// Signatures of the three records.
const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// Bytes of the fixed part of each.
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: usize = 22;

/// Version 2.0 is needed to extract; names are UTF-8 (bit 11).
const VERSION: u16 = 20;
const UTF8: u16 = 1 << 11;
/// Midnight of the first of January 1980, the earliest date there is: equal content, equal bytes.
const DATE: u16 = 0x21;

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Its path, with `/` between folders.
    pub(super) name: &'a str,
    /// Its bytes as they are in the archive.
    pub(super) stored: &'a [u8],
    /// Whether these are compressed, by DEFLATE.
    pub(super) deflated: bool,
    /// CRC-32 of the bytes of the file.
    pub(super) crc: u32,
}

/// Packs files under their paths.
pub(super) fn pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let offset = out.len() as u32;
        let mut common = Vec::new();
        for field in [VERSION, UTF8, 0, 0, DATE] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc32(bytes), bytes.len() as u32, bytes.len() as u32] {
            common.extend(field.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0u16.to_le_bytes());
        out.extend(LOCAL.to_le_bytes());
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(bytes);
        directory.extend(CENTRAL.to_le_bytes());
        directory.extend(VERSION.to_le_bytes());
        directory.extend(&common);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = (files.len() as u16).to_le_bytes();
    let start = (out.len() as u32).to_le_bytes();
    out.extend(&directory);
    out.extend(END.to_le_bytes());
    out.extend([0; 4]);
    out.extend(count);
    out.extend(count);
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start);
    out.extend([0; 2]);
    out
}

/// The files of an archive, without folders; `None` if it is none, is damaged, or is of a kind that
/// [`pack`] and common programs do not make.
pub(super) fn entries(archive: &[u8]) -> Option<Vec<Entry<'_>>> {
    // A comment of up to 64 KiB may stand behind the end.
    let last = archive.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let end = (first..=last).rev().find(|&at| word(archive, at) == Some(END))?;
    let count = half(archive, end + 10)?;
    let mut at = word(archive, end + 16)? as usize;
    let mut entries = Vec::new();
    for _ in 0..count {
        if word(archive, at)? != CENTRAL {
            return None;
        }
        let [method, name, extra, comment] =
            [10, 28, 30, 32].map(|field| half(archive, at + field));
        let [crc, size, offset] = [16, 20, 42].map(|field| word(archive, at + field));
        let [name, extra, comment] = [name?, extra?, comment?].map(usize::from);
        let path = archive.get(at + CENTRAL_BYTES..at + CENTRAL_BYTES + name)?;
        let path = std::str::from_utf8(path).ok()?;
        at += CENTRAL_BYTES + name + extra + comment;
        let header = offset? as usize;
        if word(archive, header)? != LOCAL {
            return None;
        }
        // Its extra field may be another than that of the directory.
        let [name, extra] = [26, 28].map(|field| half(archive, header + field));
        let data = header + LOCAL_BYTES + usize::from(name?) + usize::from(extra?);
        let stored = archive.get(data..data.checked_add(size? as usize)?)?;
        let deflated = match method? {
            0 => false,
            8 => true,
            _ => return None,
        };
        if !path.ends_with('/') {
            entries.push(Entry { name: path, stored, deflated, crc: crc? });
        }
    }
    Some(entries)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// CRC-32 of ISO-HDLC, as ZIP uses it.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, &byte| crc >> 8 ^ TABLE[((crc ^ u32::from(byte)) & 0xff) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_found_again() {
        let files = [
            ("run/märchen.txt".to_owned(), b"Once".to_vec()),
            ("run/checkpoints/empty".to_owned(), Vec::new()),
        ];
        let archive = pack(&files);
        let found = entries(&archive).expect("an archive");
        assert_eq!(found.len(), 2);
        for (entry, (name, bytes)) in found.iter().zip(&files) {
            assert_eq!((entry.name, entry.stored), (name.as_str(), bytes.as_slice()));
            assert_eq!((entry.deflated, entry.crc), (false, crc32(bytes)));
        }
        let commented = [&archive[..archive.len() - 2], &[3, 0], b"new"].concat();
        assert_eq!(entries(&commented), Some(found));
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn no_cut_archive_is_taken() {
        let archive = pack(&[("a".to_owned(), vec![7; 100])]);
        for end in 0..archive.len() {
            assert_eq!(entries(&archive[..end]), None, "{end}");
        }
        for at in 0..archive.len() {
            let mut damaged = archive.clone();
            damaged[at] ^= 0xff;
            // Whatever comes of it, it comes without a panic.
            drop(entries(&damaged));
        }
    }
}
