//! A corpus on a device.

use device::{Device, DeviceError, Slice};

/// Token ids in pages that a kernel can be bound to. Neighbouring pages share tokens, so that every
/// sequence lies in exactly one page from beginning to end.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Tokens of all.
    pub(super) tokens: usize,
    /// Place of the first token and tokens of each page.
    pub(super) pages: Vec<(usize, Slice)>,
    /// Places where stories begin that a sequence fits behind.
    pub(super) starts: Slice,
}

impl Corpus {
    /// A corpus that sequences of `length` tokens are drawn from.
    pub fn new(
        device: &mut Device,
        label: &str,
        ids: &[u32],
        length: usize,
    ) -> Result<Self, DeviceError> {
        let most = device.capabilities().max_binding_size / size_of::<u32>() as u64;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        // Sequences that begin in a page; a page of less than two sequences is not worth while.
        let starts = most.saturating_sub(length - 1).max(length);
        let sequences = (ids.len() + 1).saturating_sub(length).max(1);
        let pages = (0..sequences).step_by(starts).map(|page| {
            let end = page.saturating_add(starts).saturating_add(length - 1).min(ids.len());
            Ok((page, device.words(label, &ids[page..end])?))
        });
        let pages = pages.collect::<Result<_, DeviceError>>()?;
        let starts = device.words("beginning of a corpus", &[0])?;
        Ok(Self { tokens: ids.len(), pages, starts })
    }

    /// The same, with stories that end at each token `end`: sequences may begin where they do.
    pub fn with_stories(
        mut self,
        device: &mut Device,
        ids: &[u32],
        length: usize,
        end: u32,
    ) -> Result<Self, DeviceError> {
        let behind = ids.iter().zip(1..).filter(|&(&id, _)| id == end).map(|(_, place)| place);
        let starts = std::iter::once(0).chain(behind);
        let starts: Vec<u32> =
            starts.take_while(|&start| start as usize + length <= ids.len()).collect();
        self.starts = device.words("starts of stories", &starts)?;
        Ok(self)
    }
}
