//! The 255 colours of a GIF: median cut over the pictures' histogram, then k-means.

use std::collections::HashMap;

/// Bits per channel of the table that maps colours to the palette.
const BITS: u32 = 6;
/// Rounds of k-means after the median cut.
const ROUNDS: usize = 6;

/// How often each colour occurs.
#[derive(Default)]
pub(super) struct Histogram(HashMap<[u8; 3], u32>);

impl Histogram {
    /// Counts the pixels of an RGBA picture.
    pub(super) fn add(&mut self, pixels: &[u8]) {
        for pixel in pixels.chunks_exact(4) {
            *self.0.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
        }
    }

    /// A palette of at most `count` colours; exact if the pictures have no more.
    pub(super) fn palette(self, count: usize) -> Palette {
        let mut colors: Vec<([u8; 3], f32)> =
            // Square root: rare colours (flashes, thin strokes) keep weight against the background.
            self.0.into_iter().map(|(color, n)| (color, (n as f32).sqrt())).collect();
        colors.sort_unstable_by_key(|c| c.0); // deterministic
        let mut centers: Vec<[f32; 3]> = if colors.len() <= count {
            colors.iter().map(|c| c.0.map(f32::from)).collect()
        } else {
            median_cut(&mut colors, count)
        };
        if colors.len() > count {
            for _ in 0..ROUNDS {
                refine(&colors, &mut centers);
            }
        }
        let colors = centers.iter().map(|c| c.map(|v| v.round() as u8)).collect();
        Palette { colors, table: vec![None; 1 << (3 * BITS)], exact: HashMap::new() }.index()
    }
}

/// Splits the box with the largest spread until there are `count`; returns their means.
fn median_cut(colors: &mut [([u8; 3], f32)], count: usize) -> Vec<[f32; 3]> {
    // Each box: a range of `colors`, its widest channel and how much splitting it would help.
    let measure = |colors: &[([u8; 3], f32)]| {
        let mean = mean(colors);
        let spread = |c: usize| {
            colors.iter().map(|(v, w)| w * (f32::from(v[c]) - mean[c]).powi(2)).sum::<f32>()
        };
        let spreads = [spread(0), spread(1), spread(2)];
        let widest = (0..3).max_by(|&a, &b| spreads[a].total_cmp(&spreads[b])).unwrap_or(0);
        (widest, spreads[widest])
    };
    let (channel, gain) = measure(colors);
    let mut boxes = vec![(0..colors.len(), channel, gain)];
    while boxes.len() < count {
        let best = (0..boxes.len()).max_by(|&a, &b| boxes[a].2.total_cmp(&boxes[b].2));
        let Some(best) = best.filter(|&b| boxes[b].2 > 0.0) else {
            break;
        };
        let (range, channel, _) = boxes.swap_remove(best);
        let part = &mut colors[range.clone()];
        part.sort_unstable_by_key(|c| (c.0[channel], c.0));
        let mean = mean(part)[channel];
        let cut =
            part.partition_point(|c| f32::from(c.0[channel]) <= mean).clamp(1, part.len() - 1);
        for range in [range.start..range.start + cut, range.start + cut..range.end] {
            let (channel, gain) = measure(&colors[range.clone()]);
            boxes.push((range, channel, gain));
        }
    }
    boxes.into_iter().map(|(range, ..)| mean(&colors[range])).collect()
}

fn mean(colors: &[([u8; 3], f32)]) -> [f32; 3] {
    let total: f32 = colors.iter().map(|c| c.1).sum();
    [0, 1, 2].map(|c| colors.iter().map(|(v, w)| w * f32::from(v[c])).sum::<f32>() / total)
}

fn refine(colors: &[([u8; 3], f32)], centers: &mut [[f32; 3]]) {
    let mut sums = vec![([0.0f32; 3], 0.0f32); centers.len()];
    for (color, weight) in colors {
        let color = color.map(f32::from);
        let (sum, total) = &mut sums[nearest(centers, color)];
        for (s, v) in sum.iter_mut().zip(color) {
            *s += weight * v;
        }
        *total += weight;
    }
    for (center, (sum, total)) in centers.iter_mut().zip(sums) {
        if total > 0.0 {
            *center = sum.map(|s| s / total);
        }
    }
}

fn nearest(centers: &[[f32; 3]], color: [f32; 3]) -> usize {
    let distance =
        |center: &[f32; 3]| -> f32 { center.iter().zip(color).map(|(a, b)| (a - b).powi(2)).sum() };
    let all = centers.iter().map(distance).enumerate();
    all.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(i, _)| i)
}

/// A palette with a lookup of the nearest colour.
pub(super) struct Palette {
    colors: Vec<[u8; 3]>,
    /// Nearest colour for each value of the upper bits, filled in lazily.
    table: Vec<Option<u8>>,
    /// The palette's own colours map to themselves.
    exact: HashMap<[u8; 3], u8>,
}

impl Palette {
    fn index(mut self) -> Self {
        self.exact = self.colors.iter().enumerate().map(|(i, &c)| (c, i as u8)).collect();
        self
    }

    /// Red, green and blue of all colours.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.colors.as_flattened().to_vec()
    }

    /// The index of the colour nearest to a pixel.
    pub(super) fn nearest(&mut self, pixel: [u8; 3]) -> u8 {
        if let Some(&index) = self.exact.get(&pixel) {
            return index;
        }
        let slot = pixel.iter().fold(0, |slot, &v| (slot << BITS) | usize::from(v >> (8 - BITS)));
        *self.table[slot].get_or_insert_with(|| {
            let centers: Vec<[f32; 3]> = self.colors.iter().map(|c| c.map(f32::from)).collect();
            nearest(&centers, pixel.map(f32::from)) as u8
        })
    }
}
