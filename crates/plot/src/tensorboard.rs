//! TensorBoard event files: scalars as TFRecords, bytes in and bytes out.
//!
//! A file is [`file_header`] followed by any number of [`scalar`] records; appending is enough.
//! Its name must contain `tfevents`. Formats: tensorflow/core/lib/io/record_writer.h (framing),
//! tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto (messages).

/// The record that opens an event file. `wall_time` is in seconds since 1970.
pub fn file_header(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    field_f64(&mut event, 1, wall_time);
    field_bytes(&mut event, 3, b"brain.Event:2");
    record(&event)
}

/// The record of one value of the curve `tag` at `step`. `wall_time` is in seconds since 1970.
pub fn scalar(tag: &str, step: u64, value: f32, wall_time: f64) -> Vec<u8> {
    let mut point = Vec::new(); // Summary.Value
    field_bytes(&mut point, 1, tag.as_bytes());
    key(&mut point, 2, FIXED_32);
    point.extend(value.to_le_bytes());
    let mut summary = Vec::new();
    field_bytes(&mut summary, 1, &point);
    let mut event = Vec::new();
    field_f64(&mut event, 1, wall_time);
    key(&mut event, 2, VARINT);
    varint(&mut event, step);
    field_bytes(&mut event, 5, &summary);
    record(&event)
}

/// A value in an event file.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// Name of its curve.
    pub tag: String,
    /// Step that it belongs to.
    pub step: u64,
    /// Seconds since 1970.
    pub wall_time: f64,
}

/// The values of a file that [`file_header`] and [`scalar`] wrote, up to the first damage.
pub fn scalars(mut file: &[u8]) -> Vec<Scalar> {
    let mut found = Vec::new();
    while let Some((event, rest)) = next_record(file) {
        file = rest;
        found.extend(parse(event));
    }
    found
}

/// The data of the first record, and what follows it.
fn next_record(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let data = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let (data_crc, rest) = rest[data.len()..].split_first_chunk::<4>()?;
    let sound = u32::from_le_bytes(*crc) == masked_crc(length)
        && u32::from_le_bytes(*data_crc) == masked_crc(data);
    sound.then_some((data, rest))
}

fn parse(event: &[u8]) -> Option<Scalar> {
    let wall_time = f64::from_le_bytes(*field(event, 1)?.first_chunk()?);
    let step = field(event, 2).and_then(|mut bytes| read_varint(&mut bytes))?;
    let point = field(field(event, 5)?, 1)?;
    let tag = std::str::from_utf8(field(point, 1)?).ok()?.to_owned();
    Some(Scalar { tag, step, wall_time })
}

/// The bytes of a field of a message: of a number its own, of a text or message without its length.
fn field(mut message: &[u8], wanted: u64) -> Option<&[u8]> {
    while !message.is_empty() {
        let key = read_varint(&mut message)?;
        let length = match key & 7 {
            VARINT => {
                let mut rest = message;
                read_varint(&mut rest)?;
                message.len() - rest.len()
            }
            FIXED_64 => 8,
            BYTES => usize::try_from(read_varint(&mut message)?).ok()?,
            FIXED_32 => 4,
            _ => return None,
        };
        let (bytes, rest) = message.split_at_checked(length)?;
        if key >> 3 == wanted {
            return Some(bytes);
        }
        message = rest;
    }
    None
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

// Wire types of protocol buffers.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn key(out: &mut Vec<u8>, field: u64, wire: u64) {
    varint(out, field << 3 | wire);
}

fn field_f64(out: &mut Vec<u8>, field: u64, value: f64) {
    key(out, field, FIXED_64);
    out.extend(value.to_le_bytes());
}

fn field_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    key(out, field, BYTES);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Length, its checksum, data, its checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(data.len() + 16);
    out.extend(length);
    out.extend(masked_crc(&length).to_le_bytes());
    out.extend(data);
    out.extend(masked_crc(data).to_le_bytes());
    out
}

/// CRC-32C, rotated and shifted: a checksum of data that holds checksums is weak otherwise.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32 with the Castagnoli polynomial, reflected.
fn crc32c(data: &[u8]) -> u32 {
    let mut crc = !0u32;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            let carry = 0u32.wrapping_sub(crc & 1);
            crc = (crc >> 1) ^ (0x82f6_3b78 & carry);
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_up_to_the_damage() {
        let written: Vec<Scalar> =
            [("loss", 0, 1.5), ("optimizer/lr", 300, 1e9), ("", 1 << 40, 2.0)]
                .map(|(tag, step, wall_time)| Scalar { tag: tag.to_owned(), step, wall_time })
                .to_vec();
        let mut file = file_header(7.0);
        for Scalar { tag, step, wall_time } in &written {
            file.extend(scalar(tag, *step, 0.25, *wall_time));
        }
        assert_eq!(scalars(&file), written);
        for end in 0..file.len() {
            assert!(written.starts_with(&scalars(&file[..end])));
            let mut damaged = file.clone();
            damaged[end] ^= 0x40;
            let found = scalars(&damaged);
            assert!(written.starts_with(&found) && found.len() < written.len(), "{end}");
        }
    }

    #[test]
    fn checksum_is_castagnolis() {
        // The check value of CRC-32/ISCSI and two vectors of RFC 3720, appendix B.4.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }
}
