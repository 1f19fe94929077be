//! A long vector in several buffers.

use std::ops::Range;

use crate::{Device, DeviceError, Element, Slice};

/// A vector of floats, or parts of one, in pages: buffers one after the other, each small enough for a
/// kernel to be bound to. Places are those in the whole vector, wherever its pages begin and end.
#[derive(Clone, Debug)]
pub struct Pages {
    /// First place and buffer of each page.
    pages: Vec<(usize, Slice)>,
}

impl Pages {
    /// Zeros in pages at `ranges`, which are in order and do not overlap.
    pub fn allocate(
        device: &mut Device,
        label: &str,
        ranges: &[Range<usize>],
    ) -> Result<Self, DeviceError> {
        assert!(ranges.is_sorted_by(|a, b| a.end <= b.start), "pages overlap: {ranges:?}");
        let page = |range: &Range<usize>| {
            Ok((range.start, device.allocate(label, Element::Float, range.len())?))
        };
        Ok(Self { pages: ranges.iter().map(page).collect::<Result<_, DeviceError>>()? })
    }

    /// The elements that there are of a `whole` vector.
    ///
    /// # Panics
    /// When it ends before the last page.
    pub fn of(&self, whole: &[f32]) -> Vec<f32> {
        let page = |&(first, page): &(usize, Slice)| &whole[first..first + page.len];
        self.pages.iter().flat_map(page).copied().collect()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.pages.iter().map(|(_, page)| page.len).sum()
    }

    /// Whether there is no page.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Elements at places `start..start + len`.
    ///
    /// # Panics
    /// When they do not lie in one page.
    pub fn part(&self, start: usize, len: usize) -> Slice {
        let after = self.pages.partition_point(|(first, _)| *first <= start);
        let (first, page) = self.pages[after.checked_sub(1).expect("a place in a page")];
        page.part(start - first, len)
    }

    /// The parts of the pages that lie in `range`, with their places, in order.
    pub fn parts(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Slice)> {
        self.pages.iter().filter_map(move |&(first, page)| {
            let (start, end) = (range.start.max(first), range.end.min(first + page.len));
            (start < end).then(|| (start, page.part(start - first, end - start)))
        })
    }

    /// Writes all elements.
    ///
    /// # Panics
    /// When `data` is of another length.
    pub fn write(&self, device: &mut Device, data: &[f32]) -> Result<(), DeviceError> {
        assert_eq!(data.len(), self.len(), "length of a vector in pages");
        let mut rest = data;
        for (_, page) in &self.pages {
            let (data, later) = rest.split_at(page.len);
            device.write_floats(*page, data)?;
            rest = later;
        }
        Ok(())
    }

    /// All elements, after everything that was run before. Memory beside the result is that of
    /// one page.
    pub async fn read(&self, device: &Device) -> Result<Vec<f32>, DeviceError> {
        let mut data = Vec::with_capacity(self.len());
        for (_, page) in &self.pages {
            data.extend(device.read_floats(*page).await?);
        }
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_depend_on_pages() -> Result<(), DeviceError> {
        let data: Vec<f32> = (0..320u16).map(f32::from).collect();
        for cuts in [vec![64, 384], vec![64, 128, 320, 384]] {
            let ranges: Vec<_> = cuts.windows(2).map(|cut| cut[0]..cut[1]).collect();
            let mut device = Device::cpu();
            let pages = Pages::allocate(&mut device, "test", &ranges)?;
            pages.write(&mut device, &data)?;
            assert_eq!(pollster::block_on(pages.read(&device))?, data);
            let part = pages.part(192, 64);
            assert_eq!(pollster::block_on(device.read_floats(part))?, data[128..192]);
            let (mut at, mut found) = (128, Vec::new());
            for (start, part) in pages.parts(128..374) {
                assert_eq!(start, at);
                at += part.len;
                found.extend(pollster::block_on(device.read_floats(part))?);
            }
            assert_eq!(found, data[64..310]);
        }
        Ok(())
    }

    #[test]
    fn parts_of_a_vector_keep_their_places() -> Result<(), DeviceError> {
        let whole: Vec<f32> = (0..384u16).map(f32::from).collect();
        let mut device = Device::cpu();
        let pages = Pages::allocate(&mut device, "test", &[0..64, 128..192, 192..320])?;
        pages.write(&mut device, &pages.of(&whole))?;
        assert_eq!(pages.len(), 256);
        let part = pages.part(256, 64);
        assert_eq!(pollster::block_on(device.read_floats(part))?, whole[256..320]);
        let places: Vec<_> = pages.parts(0..384).map(|(start, part)| (start, part.len)).collect();
        assert_eq!(places, [(0, 64), (128, 64), (192, 128)]);
        Ok(())
    }
}
