//! The picture of a training: one of the texts that it wrote on the way, with its step and its loss.

use super::body::{LEADING, REFERENCE};
use super::grid::{Area, Grid};
use super::panel::{curve, rule, seal, stat, step_bar, text, until};
use super::{Moment, Style, ground};
use crate::draw::{Align, Draw, Measure, Size, Weight};
use crate::theme::Palette;

/// Share of its time in which a text appears.
const APPEARS: f32 = 0.08;
/// Longer words are cut, so that each fits a line at any size of letters.
const LONGEST_WORD: usize = 24;

/// What a training wrote on the way, and how its loss fell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strip {
    /// What is trained.
    pub name: String,
    /// Steps that the training is to have.
    pub steps: u32,
    /// Loss of guessing among all tokens of the vocabulary, in nats.
    pub guessing: f64,
    /// `[(step, loss)]`, in nats, steps rising.
    pub loss: Vec<(u32, f64)>,
    /// `[(step, text)]`, steps rising; at least one.
    pub texts: Vec<(u32, String)>,
}

impl Strip {
    /// The latest loss that was known after so many steps.
    fn loss_at(&self, step: u32) -> Option<f64> {
        self.loss.iter().take_while(|point| point.0 <= step).last().map(|point| point.1)
    }
}

/// A word, or a part of a long one, that stands on one line.
#[derive(Clone, Debug)]
struct Word {
    text: String,
    /// In em.
    width: f32,
    /// A space comes before it.
    spaced: bool,
}

/// The layout of the pictures of a strip: a frame is a text.
#[derive(Clone, Debug)]
pub struct StripPlan<'a> {
    strip: &'a Strip,
    size: Size,
    grid: Grid,
    /// Pixels per em of the texts.
    font: f32,
    /// `[texts][lines]`
    lines: Vec<Vec<String>>,
}

impl<'a> StripPlan<'a> {
    /// Plans pictures of `size`, all with letters of one size: the longest text fits.
    ///
    /// # Panics
    /// If there is no text.
    pub fn new(strip: &'a Strip, size: Size, measure: &mut Measure<'_>) -> Self {
        assert!(!strip.texts.is_empty(), "a strip without texts");
        let grid = Grid::new(size);
        let mut em = |text: &str| measure(text, REFERENCE, Weight::Regular) / REFERENCE;
        let space = em(" ");
        let words: Vec<Vec<Word>> =
            strip.texts.iter().map(|(_, text)| words(text, &mut em)).collect();
        let mut font = grid.largest_font;
        let lines = loop {
            let wrap = |words: &Vec<Word>| wrap(words, grid.text.width / font, space);
            let lines: Vec<_> = words.iter().map(wrap).collect();
            let longest = lines.iter().map(Vec::len).max().unwrap_or(0);
            if longest as f32 * LEADING * font <= grid.text.height {
                break lines;
            }
            font *= 0.98;
        };
        Self { strip, size, grid, font, lines }
    }

    /// Number of texts.
    pub fn frames(&self) -> usize {
        self.lines.len()
    }

    /// The shapes of one moment, in painting order.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn draw(&self, moment: Moment, style: &Style, measure: &mut Measure<'_>) -> Vec<Draw> {
        let palette = style.theme.palette();
        let mut out = vec![ground(self.size, palette)];
        seal(&self.grid, style, &self.strip.name, measure, &mut out);
        self.text(moment, palette, &mut out);
        self.panel(moment, palette, &mut out);
        self.footer(palette, &mut out);
        out
    }

    fn text(&self, moment: Moment, palette: &Palette, out: &mut Vec<Draw>) {
        let (area, lines) = (&self.grid.text, &self.lines[moment.frame]);
        let appears = match moment.frame {
            0 => 1.0,
            _ => 0.2 + 0.8 * (moment.phase / APPEARS).clamp(0.0, 1.0),
        };
        let leading = LEADING * self.font;
        let longest = self.lines.iter().map(Vec::len).max().unwrap_or(0);
        // A little above the middle, and the first line of all texts at the same place.
        let top = area.y + 0.38 * (area.height - longest as f32 * leading);
        for (index, line) in lines.iter().enumerate() {
            let y = top + (index as f32 + 0.7) * leading;
            let color = palette.ink.fade(appears);
            let regular = Weight::Regular;
            out.push(text(area.x, y, Align::Left, self.font, regular, color, line.clone()));
        }
    }

    /// The step that the picture shows; between two texts the training goes on.
    fn now(&self, Moment { frame, phase }: Moment) -> f32 {
        let step = |frame: usize| self.strip.texts[frame].0 as f32;
        let next = (frame + 1).min(self.frames() - 1);
        step(frame) + (step(next) - step(frame)) * phase.clamp(0.0, 1.0)
    }

    fn panel(&self, moment: Moment, palette: &Palette, out: &mut Vec<Draw>) {
        let (strip, grid) = (self.strip, &self.grid);
        let step = strip.texts[moment.frame].0;
        let now = self.now(moment);
        let of = format!("{step} / {}", strip.steps.max(step));
        stat(&grid.step, "Text after step", &of, grid.label, palette, out);
        let share = now / strip.steps.max(step).max(1) as f32;
        step_bar(grid, share.min(1.0), palette, out);
        let loss = strip.loss_at(step).map_or("–".into(), |loss| format!("{loss:.2}"));
        let area = grid.charts();
        stat(&area, "Loss on held-out text, in nats", &loss, grid.label, palette, out);
        self.chart(&area, now, palette, out);
    }

    /// The loss from zero to that of guessing or above, up to this moment.
    fn chart(&self, area: &Area, now: f32, palette: &Palette, out: &mut Vec<Draw>) {
        let (strip, u, label) = (self.strip, self.grid.unit, self.grid.label);
        let (top, bottom) = (area.y + 2.9 * label, area.y + area.height);
        let last = strip.texts.last().map_or(0, |text| text.0).max(1) as f32;
        let highest = strip.loss.iter().map(|point| point.1).fold(strip.guessing, f64::max);
        let x = |step: f32| area.x + area.width * step / last;
        let y = |loss: f64| bottom - (bottom - top) * (loss / highest.max(0.1)) as f32;
        let mut across = |y: f32, color, dash| {
            let (from, to) = ([area.x, y], [area.x + area.width, y]);
            out.push(Draw::Line { from, to, width: u, color, dash });
        };
        across(bottom, palette.hairline, 0.0);
        across(y(strip.guessing), palette.muted, 4.0 * u);
        let name = format!("guessing: {:.2}", strip.guessing);
        let (right, beneath) = (area.x + area.width, y(strip.guessing) + 1.3 * label);
        let small = 0.9 * label;
        out.push(text(right, beneath, Align::Right, small, Weight::Regular, palette.muted, name));
        let points: Vec<[f32; 2]> =
            strip.loss.iter().map(|&(step, loss)| [x(step as f32), y(loss)]).collect();
        let (past, Some(head)) = until(&points, x(now)) else { return };
        curve(past, head, bottom, u, palette.accent, palette, out);
    }

    fn footer(&self, palette: &Palette, out: &mut Vec<Draw>) {
        let (grid, size) = (&self.grid, self.grid.label);
        rule(grid, palette, out);
        let mut say = |x: f32, align, words: String| {
            out.push(text(x, grid.footer, align, size, Weight::Regular, palette.muted, words));
        };
        say(grid.margin, Align::Left, "What it writes, always from the same noise".into());
        let texts = match self.frames() {
            1 => "1 text".to_owned(),
            count => format!("{count} texts"),
        };
        say(grid.right, Align::Right, texts);
    }
}

/// The measured words of a text.
fn words(text: &str, em: &mut dyn FnMut(&str) -> f32) -> Vec<Word> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for (index, part) in letters.chunks(LONGEST_WORD).enumerate() {
            let text: String = part.iter().collect();
            words.push(Word { width: em(&text), text, spaced: index == 0 });
        }
    }
    words
}

/// Lines of at most `width` em.
fn wrap(words: &[Word], width: f32, space: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut x = 0.0;
    for word in words {
        let gap = if word.spaced { space } else { 0.0 };
        match lines.last_mut().filter(|_| x + gap + word.width <= width) {
            Some(line) => {
                line.extend(word.spaced.then_some(' '));
                line.push_str(&word.text);
                x += gap + word.width;
            }
            None => {
                lines.push(word.text.clone());
                x = word.width;
            }
        }
    }
    lines
}
