//! The optimizer on a device.

use std::ops::Range;

use device::{Device, DeviceError, Element, Pages, Recording, Slice};
use kernels::adamw::{self, AdamW};
use kernels::{Variants, average, begin_step, grad_norm, muon};

use crate::OptimizerConfig;

/// Name of the running average among [`Optimizer::buffers`].
pub const AVERAGE: &str = "average";

/// Where the parameters lie, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The pages of all, each whole tensors.
    pub pages: Vec<Range<usize>>,
    /// First element and `[rows, columns]` of each matrix of the blocks, which lie side by side.
    pub hidden: Vec<(usize, [usize; 2])>,
    /// The learned weights of sums and gates, at the end of the buffer.
    pub scalars: Range<usize>,
}

impl Layout {
    fn hidden_range(&self) -> Range<usize> {
        let start = self.hidden.first().map_or(0, |(offset, _)| *offset);
        let end = self.hidden.last().map_or(0, |(offset, [rows, columns])| offset + rows * columns);
        start..end
    }

    /// The pages of the part with the hidden matrices.
    fn hidden_pages(&self) -> Vec<Range<usize>> {
        let hidden = self.hidden_range();
        let cut = |page: &Range<usize>| page.start.max(hidden.start)..page.end.min(hidden.end);
        self.pages.iter().map(cut).filter(|page| !page.is_empty()).collect()
    }

    /// The pages of everything else.
    fn other_pages(&self) -> Vec<Range<usize>> {
        let hidden = self.hidden_range();
        let cut = |page: &Range<usize>| {
            [page.start..page.end.min(hidden.start), page.start.max(hidden.end)..page.end]
        };
        self.pages.iter().flat_map(cut).filter(|page| !page.is_empty()).collect()
    }
}

/// Buffers of the optimizer.
#[derive(Clone, Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    layout: Layout,
    /// Number of the current step, `(1)`; steps count from 1.
    pub counter: Slice,
    /// Norms of the latest gradients, before clipping: step n stands at n mod its length.
    pub norms: Slice,
    /// Of all that AdamW updates.
    first_moment: Pages,
    second_moment: Pages,
    muon: Option<MuonBuffers>,
    /// Of the parameters.
    average: Option<Pages>,
    control: Slice,
    sums: Slice,
    partial_sums: Slice,
}

#[derive(Clone, Debug)]
struct MuonBuffers {
    /// Of the hidden matrices.
    momentum: Pages,
    look_ahead: Pages,
    scratch: muon::Scratch,
}

impl MuonBuffers {
    /// The sums of the clipping serve the matrices' norms, too, which come after it.
    fn new(
        device: &mut Device,
        layout: &Layout,
        sums: Slice,
        partial_sums: Slice,
    ) -> Result<Self, DeviceError> {
        let largest = |size: fn(usize, usize) -> usize| {
            layout.hidden.iter().map(|(_, [r, c])| size(*r, *c)).max().unwrap_or(1)
        };
        let (matrix, square) = (largest(|r, c| r * c), largest(|r, c| r.min(c).pow(2)));
        let pages = layout.hidden_pages();
        let momentum = Pages::allocate(device, "momentum", &pages)?;
        let look_ahead = Pages::allocate(device, "look_ahead", &pages)?;
        let mut floats = |label, len| device.allocate(label, Element::Float, len);
        Ok(Self {
            momentum,
            look_ahead,
            scratch: muon::Scratch {
                x: [floats("muon_x", matrix)?, floats("muon_next", matrix)?],
                squares: [
                    floats("muon_s", square)?,
                    floats("muon_s2", square)?,
                    floats("muon_p", square)?,
                ],
                sums,
                partial_sums,
            },
        })
    }
}

impl Optimizer {
    /// An optimizer of parameters laid out as `layout` that remembers the latest `slots` norms.
    pub fn new(
        device: &mut Device,
        config: OptimizerConfig,
        layout: Layout,
        slots: usize,
    ) -> Result<Self, DeviceError> {
        let sums = device.allocate("sums", Element::Float, grad_norm::SUMS)?;
        let partial_sums =
            device.allocate("partial_sums", Element::Float, grad_norm::PARTIAL_SUMS)?;
        let muon = config
            .muon
            .map(|_| MuonBuffers::new(device, &layout, sums, partial_sums))
            .transpose()?;
        let pages = if muon.is_some() { layout.other_pages() } else { layout.pages.clone() };
        let first_moment = Pages::allocate(device, "first_moment", &pages)?;
        let second_moment = Pages::allocate(device, "second_moment", &pages)?;
        let average = (config.average > 0.0)
            .then(|| Pages::allocate(device, "average", &layout.pages))
            .transpose()?;
        let mut floats = |label, len| device.allocate(label, Element::Float, len);
        Ok(Self {
            config,
            first_moment,
            second_moment,
            norms: floats("norms", slots)?,
            control: floats("control", begin_step::CONTROL)?,
            sums,
            partial_sums,
            counter: device.allocate("step", Element::Word, 1)?,
            muon,
            average,
            layout,
        })
    }

    /// Its state besides the counter: named buffers, which a checkpoint must keep.
    pub fn buffers(&self) -> Vec<(&'static str, &Pages)> {
        let mut buffers =
            vec![("first_moment", &self.first_moment), ("second_moment", &self.second_moment)];
        buffers.extend(self.muon.as_ref().map(|muon| ("momentum", &muon.momentum)));
        buffers.extend(self.average.as_ref().map(|average| (AVERAGE, average)));
        buffers
    }

    /// Records the beginning of a step, before anything that reads the counter.
    pub fn begin(&self, step: &mut Recording) {
        let io = begin_step::Buffers { counter: self.counter, control: self.control };
        begin_step::record(step, io, &self.config.schedules());
    }

    /// Records the update of `parameters` by `gradient`, both laid out as the layout says.
    pub fn update(
        &self,
        step: &mut Recording,
        variants: &Variants,
        parameters: &Pages,
        gradient: &Pages,
    ) {
        let len = gradient.len();
        let clip = grad_norm::Buffers {
            sums: self.sums,
            partial_sums: self.partial_sums,
            counter: self.counter,
            control: self.control,
            ring: self.norms,
        };
        let pages = gradient.parts(0..len).map(|(_, page)| page);
        grad_norm::record(step, pages, clip, self.config.clip as f32);
        let hidden = self.layout.hidden_range();
        let scalars = self.layout.scalars.clone();
        let ranges = match (self.config.muon, &self.muon) {
            (Some(config), Some(buffers)) => {
                let MuonBuffers { momentum, look_ahead, scratch } = buffers;
                let control = self.control;
                for (start, momentum) in momentum.parts(hidden.clone()) {
                    let d_p = gradient.part(start, momentum.len);
                    let u = look_ahead.part(start, momentum.len);
                    let io = muon::Momentum { control, d_p, momentum, u };
                    muon::momentum(step, io, config.momentum);
                }
                for &(offset, shape) in &self.layout.hidden {
                    let len = shape[0] * shape[1];
                    let u = look_ahead.part(offset, len);
                    let coefficients = config.coefficients;
                    let o = muon::orthogonalize(step, variants, coefficients, u, shape, scratch);
                    let p = parameters.part(offset, len);
                    let io = muon::Update { control, o, p };
                    let (lr, decay) = (config.lr, config.weight_decay);
                    muon::update(step, io, shape, lr, decay, self.config.cautious);
                }
                vec![0..hidden.start, hidden.end..scalars.start]
            }
            _ => std::iter::once(0..scalars.start).collect(),
        };
        let adamw = self.config.adamw;
        let of_scalars = AdamW { lr: self.config.scalar_lr, weight_decay: 0.0, ..adamw };
        let rest = ranges.into_iter().map(|range| (range, adamw));
        let all = rest.chain([(scalars, of_scalars)]);
        let pages =
            all.flat_map(|(range, config)| parameters.parts(range).map(move |page| (page, config)));
        for ((start, p), config) in pages {
            let part = |pages: &Pages| pages.part(start, p.len);
            let update = adamw::Buffers {
                counter: self.counter,
                control: self.control,
                d_p: part(gradient),
                p,
                m: part(&self.first_moment),
                v: part(&self.second_moment),
            };
            adamw::record(step, update, config, self.config.cautious);
        }
        for (start, average) in self.average.iter().flat_map(|pages| pages.parts(0..len)) {
            let (control, p) = (self.control, parameters.part(start, average.len));
            average::record(step, average::Buffers { control, p, average });
        }
    }
}
