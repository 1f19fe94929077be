//! Writes pictures of a made-up denoising into a folder, to look at them:
//! `cargo run -p plot --features raster --example frames -- FOLDER`.

#[path = "../tests/support/mod.rs"]
mod support;

use plot::draw::Size;
use plot::gif;
use plot::layout::{Moment, Plan, Style};
use plot::raster::{Raster, png};
use plot::theme::Theme;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target/frames".into());
    std::fs::create_dir_all(&folder)?;
    let story = support::story();
    std::fs::write(format!("{folder}/trace.json"), story.to_json())?;
    let short = support::denoising("The cat", " sat on the mat.", Some(""), 12);
    let long = "The bird sang a song about the sea.\n\nIt was very happy. ".repeat(40);
    let long = support::denoising("A long day.", &long, None, 30);
    let sizes = [("wide", Size::WIDE), ("square", Size::SQUARE)];
    for (text, trace, frames) in [
        ("story", &story, vec![0, 14, 30, 50]),
        ("short", &short, vec![7]),
        ("long", &long, vec![20]),
    ] {
        for (shape, size) in sizes {
            let mut raster = Raster::new(size)?;
            let plan = Plan::new(trace, size, &mut |t, s, w| raster.measure(t, s, w));
            for theme in [Theme::Light, Theme::Dark] {
                let style = Style { theme, ..Style::default() };
                for &frame in &frames {
                    let start = std::time::Instant::now();
                    let shapes =
                        plan.draw(frame.into(), &style, &mut |t, s, w| raster.measure(t, s, w));
                    let pixels = raster.draw(&shapes);
                    let time = start.elapsed();
                    let name = format!("{folder}/{text}-{shape}-{theme:?}-{frame}.png");
                    std::fs::write(&name, png::encode(size, pixels)?)?;
                    println!("{name}: drawn in {time:.1?}");
                }
            }
        }
    }
    let mut raster = Raster::new(Size::WIDE)?;
    let plan = Plan::new(&story, Size::WIDE, &mut |t, s, w| raster.measure(t, s, w));
    let start = std::time::Instant::now();
    let delays = vec![100; story.frames.len()];
    let file = std::fs::File::create(format!("{folder}/story.gif"))?;
    gif::write(std::io::BufWriter::new(file), Size::WIDE, &delays, |frame| {
        let moment = Moment { frame, phase: 0.0 };
        let shapes = plan.draw(moment, &Style::default(), &mut |t, s, w| raster.measure(t, s, w));
        raster.draw(&shapes).to_vec()
    })?;
    println!("{folder}/story.gif: {:.1?}", start.elapsed());
    Ok(())
}
