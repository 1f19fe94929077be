//! Thrift's compact protocol, as far as it takes to see what a parquet file claims to hold before memory
//! is taken for it.
//!
//! Like the parquet library, this goes by the numbers of fields; `None` is what that library cannot read
//! either.

/// Types of fields.
pub(super) mod kind {
    pub(in super::super) const I32: u8 = 5;
    pub(in super::super) const BINARY: u8 = 8;
    pub(in super::super) const LIST: u8 = 9;
    pub(in super::super) const STRUCT: u8 = 12;
}

/// Deepest nesting, as in the parquet library.
const DEEPEST: u8 = 64;

/// A reader of bytes.
pub(super) struct Compact<'a>(&'a [u8]);

impl<'a> Compact<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next bytes.
    pub(super) fn take(&mut self, bytes: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number in groups of seven bits, the lowest first.
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A number whose sign is its lowest bit.
    pub(super) fn signed(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Calls `read` with the number and the type of each field of a struct; it reads the field.
    pub(super) fn fields(
        &mut self,
        mut read: impl FnMut(&mut Self, i16, u8) -> Option<()>,
    ) -> Option<()> {
        let mut last = 0i16;
        loop {
            let head = self.byte()?;
            let (delta, kind) = (head >> 4, head & 0xf);
            if kind == 0 {
                return Some(());
            }
            last = match delta {
                0 => self.signed()? as i16,
                _ => last.checked_add(i16::from(delta))?,
            };
            read(self, last, kind)?;
        }
    }

    /// Type and number of a list's elements, of which each takes a byte at least.
    pub(super) fn list(&mut self) -> Option<(u8, usize)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        let count = usize::try_from(count).ok().filter(|&count| count <= self.left())?;
        Some((head & 0xf, count))
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self, kind: u8) -> Option<()> {
        self.skip_within(kind, DEEPEST)
    }

    fn skip_within(&mut self, kind: u8, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            // A field of these types has its value in the type.
            1 | 2 => Some(()),
            3 => self.take(1).map(drop),
            4..=6 => self.unsigned().map(drop),
            7 => self.take(8).map(drop),
            kind::BINARY => {
                let length = self.unsigned()?;
                self.take(length).map(drop)
            }
            kind::LIST | 10 => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_within(kind, depth))
            }
            11 => {
                let count = self.unsigned()?;
                if count == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                (0..count).try_for_each(|_| {
                    self.skip_within(kinds >> 4, depth)?;
                    self.skip_within(kinds & 0xf, depth)
                })
            }
            kind::STRUCT => self.fields(|reader, _, kind| reader.skip_within(kind, depth)),
            13 => self.take(16).map(drop),
            _ => None,
        }
    }
}
