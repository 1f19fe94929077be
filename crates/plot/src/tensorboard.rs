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
    fn checksum_is_castagnolis() {
        // The check value of CRC-32/ISCSI and two vectors of RFC 3720, appendix B.4.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }
}
