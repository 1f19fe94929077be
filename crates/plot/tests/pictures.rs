//! Pixels: PNG and GIF decode to what the layout says.
#![cfg(feature = "raster")]

mod support;

use plot::curve::{LossPlot, Reference, Run, SIZE};
use plot::draw::{Align, Color, Draw, Size, Weight};
use plot::gif;
use plot::layout::{Plan, Style};
use plot::raster::{Raster, RasterError, files, png};
use plot::theme::Theme;
use plot::{State, Trace};
use support::story;

const SMALL: Size = Size { width: 640, height: 360 };

fn pixel(pixels: &[u8], size: Size, x: f32, y: f32) -> [u8; 3] {
    let at = (y as usize * size.width as usize + x as usize) * 4;
    [pixels[at], pixels[at + 1], pixels[at + 2]]
}

fn close(found: [u8; 3], expected: Color, tolerance: u8) -> bool {
    let expected = [expected.r, expected.g, expected.b];
    found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= tolerance)
}

/// Checks the blocks of masked and fresh tokens in the pixels of a frame; returns how many.
fn check_blocks(pixels: &[u8], trace: &Trace, frame: usize, size: Size) -> usize {
    let mut raster = Raster::new(size).unwrap();
    let mut measure = |t: &str, s, w| raster.measure(t, s, w);
    let plan = Plan::new(trace, size, &mut measure);
    let places = plan.places(frame, &mut measure);
    let palette = Theme::Dark.palette();
    let mut checked = 0;
    for place in places.iter().filter(|p| p.width > 0.6 * plan.font_size()) {
        let (middle, bottom) = (place.y + 0.48 * place.height, place.y + 0.88 * place.height);
        let x = place.x + place.width / 2.0;
        let (expected, y) = match trace.state(frame, place.token) {
            State::Masked => (palette.mask, middle),
            // Below the letters, inside the flash.
            State::Fresh => (palette.accent, bottom - 0.06 * place.height),
            _ => continue,
        };
        let found = pixel(pixels, size, x, y);
        // White descenders may reach into a flash.
        let letter = expected == palette.accent && found[1] > expected.g;
        assert!(
            letter || close(found, expected, 6),
            "token {} at frame {frame}: {found:?} instead of {expected:?}",
            place.token
        );
        checked += usize::from(!letter);
    }
    checked
}

#[test]
fn png_and_gif_show_the_layout() {
    let trace = story();
    let mut raster = Raster::new(SMALL).unwrap();
    let plan = Plan::new(&trace, SMALL, &mut |t, s, w| raster.measure(t, s, w));
    let frames = [0, 10, 25, 25, 50];
    let mut render = |i: usize| {
        let shapes =
            plan.draw(frames[i].into(), &Style::default(), &mut |t, s, w| raster.measure(t, s, w));
        raster.draw(&shapes).to_vec()
    };
    let direct = render(2);
    assert!(check_blocks(&direct, &trace, 25, SMALL) > 50);

    let file = png::encode(SMALL, &direct).unwrap();
    let mut decoder = ::png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut decoded = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.next_frame(&mut decoded).unwrap();
    assert!(decoded.chunks(3).eq(direct.chunks(4).map(|p| &p[..3])), "PNG keeps every pixel");

    let delays = [100, 40, 40, 5, 2000];
    let mut file = Vec::new();
    gif::write(&mut file, SMALL, &delays, &mut render).unwrap();
    let mut again = Vec::new();
    gif::write(&mut again, SMALL, &delays, &mut render).unwrap();
    assert_eq!(file, again, "the same pictures give the same file");

    let mut options = ::gif::DecodeOptions::new();
    options.set_color_output(::gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(&file[..]).unwrap();
    assert_eq!((decoder.width(), decoder.height()), (640, 360));
    let mut canvas = vec![0; 640 * 360 * 4];
    let mut found = Vec::new();
    while let Some(part) = decoder.read_next_frame().unwrap() {
        found.push(u32::from(part.delay) * 10);
        for y in 0..usize::from(part.height) {
            for x in 0..usize::from(part.width) {
                let from = (y * usize::from(part.width) + x) * 4;
                let to = ((y + usize::from(part.top)) * 640 + x + usize::from(part.left)) * 4;
                if part.buffer[from + 3] > 0 {
                    canvas[to..to + 4].copy_from_slice(&part.buffer[from..from + 4]);
                }
            }
        }
        let i = found.len() - 1;
        assert!(i == 4 || check_blocks(&canvas, &trace, frames[i], SMALL) > 20);
        let far = canvas.iter().zip(render(i)).map(|(a, b)| f64::from(a.abs_diff(b)));
        let mean = far.sum::<f64>() / canvas.len() as f64;
        assert!(mean < 1.0, "picture {i} is off by {mean} of 255 on average");
    }
    assert_eq!(found, [100, 40, 40, 20, 2000], "delays in ms; viewers slow down below 20");
    assert_eq!(decoder.repeat(), ::gif::Repeat::Infinite);
}

#[test]
fn letters_are_as_wide_as_measured() {
    let size = Size { width: 800, height: 100 };
    let mut raster = Raster::new(size).unwrap();
    for (weight, em) in [(Weight::Regular, 18.5), (Weight::Bold, 40.0)] {
        let text = "Hamburgefonstiv \u{201c}quoted\u{201d}";
        let width = raster.measure(text, em, weight);
        assert!((raster.measure(text, 2.0 * em, weight) - 2.0 * width).abs() < 0.01);
        let shape = Draw::Text {
            x: 20.0,
            y: 60.0,
            align: Align::Left,
            size: em,
            weight,
            color: Color::hex(0),
            text: text.into(),
        };
        let pixels = raster.draw(&[shape]);
        let dark = (0..800 * 100).filter(|i| pixels[i * 4] < 128).map(|i| (i % 800, i / 800));
        let (left, right) = dark.clone().fold((800, 0), |(l, r), (x, _)| (l.min(x), r.max(x)));
        let (top, bottom) = dark.fold((100, 0), |(t, b), (_, y)| (t.min(y), b.max(y)));
        assert!((20.0 - left as f32).abs() < 0.15 * em, "starts at {left}");
        assert!((20.0 + width - right as f32).abs() < 0.15 * em, "ends at {right}, not {width}");
        let height = (bottom - top) as f32;
        assert!((0.7 * em..1.2 * em).contains(&height), "{height} pixels high at {em}");
    }
}

#[test]
fn impossible_sizes_are_refused() {
    for (width, height) in [(0, 720), (1280, 15), (20_000, 720)] {
        let error = Raster::new(Size { width, height }).err().expect("refused");
        assert!(matches!(error, RasterError::Size(..)));
        assert!(error.to_string().contains("each side must be 16 to 16384"), "{error}");
    }
}

#[test]
fn loss_plot_shows_lines_references_and_tokens() {
    let line = |end: f64| (0..=50).map(move |i| (f64::from(i * 10), 7.0 - end * f64::from(i)));
    let mut train: Vec<_> = line(0.1).collect();
    train.push((505.0, f64::NAN)); // left out
    let plot = LossPlot {
        title: "A <run> & its curve".into(),
        runs: vec![Run { name: "a".into(), train, validation: line(0.09).step_by(10).collect() }],
        references: vec![Reference { label: "ln V".into(), value: 7.625 }],
        tokens_per_step: Some(4096.0),
        log_x: false,
        theme: Theme::Light,
    };
    let (png, svg) = files(SIZE, |measure| plot.draw(SIZE, measure)).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    for part in
        ["A &lt;run&gt; &amp; its curve", ">train<", ">validation<", "ln V  7.625", ">Tokens<"]
    {
        assert!(svg.contains(part), "{part} is missing");
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    let mut raster = Raster::new(SIZE).unwrap();
    let shapes = plot.draw(SIZE, &mut |t, s, w| raster.measure(t, s, w));
    let accent = Theme::Light.palette().accent;
    let red = raster.draw(&shapes).chunks(4).filter(|p| close([p[0], p[1], p[2]], accent, 40));
    assert!(red.count() > 1500, "the training loss is drawn in red");
}

#[test]
fn empty_and_single_point_plots_are_drawn() {
    for (points, log_x) in [(vec![], false), (vec![(100.0, 3.0)], true), (vec![(0.0, 3.0)], true)] {
        let run = Run { name: String::new(), train: points.clone(), validation: points };
        let plot = LossPlot { runs: vec![run], log_x, ..LossPlot::default() };
        let (_, svg) = files(SIZE, |measure| plot.draw(SIZE, measure)).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
