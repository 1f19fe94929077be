//! Writes made-up curves into a folder, to look at them:
//! `cargo run -p plot --features raster --example curves -- FOLDER`.

#[path = "../tests/support/mod.rs"]
mod support;

use plot::curve::{EntropyPlot, LossPlot, Reference, Run, SIZE};
use plot::raster::files;
use plot::theme::Theme;

fn run(name: &str, seed: u32, floor: f64) -> Run {
    let mut random = support::Random(seed);
    let loss = |step: f64| floor + (7.62 - floor) / (1.0 + step / 150.0).powf(0.9);
    let train = (0..500).map(|i| {
        let step = f64::from(i * 10 + 10);
        (step, loss(step) + 0.35 * f64::from(random.unit() - 0.5))
    });
    let train = train.collect();
    let validation = (0..=20).map(|i| f64::from(i * 250)).map(|s| (s, loss(s) + 0.05)).collect();
    Run { name: name.into(), train, validation }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target/frames".into());
    std::fs::create_dir_all(&folder)?;
    let references = vec![
        Reference { label: "ln V".into(), value: 2048f64.ln() },
        Reference { label: "unigram entropy".into(), value: 5.94 },
    ];
    let one = LossPlot {
        title: "small.toml on TinyStories".into(),
        runs: vec![run("small", 1, 2.1)],
        references: references.clone(),
        tokens_per_step: Some(16384.0),
        log_x: false,
        theme: Theme::Light,
    };
    let runs = vec![run("cosine", 1, 2.1), run("linear", 2, 2.5), run("cosine2", 3, 1.8)];
    let three = LossPlot { runs, log_x: true, theme: Theme::Dark, ..one.clone() };
    let entropy = |k: f64| {
        (1..=100).map(|t| (f64::from(t), k * (f64::from(t) / 100.0).powf(0.4) * 4.4)).collect()
    };
    let entropy = EntropyPlot {
        title: "Predictive entropy per timestep".into(),
        models: vec![("small".into(), entropy(1.0)), ("seed".into(), entropy(0.8))],
        references,
        theme: Theme::Light,
    };
    for (name, plot) in [("loss", &one), ("losses", &three)] {
        let (png, svg) = files(SIZE, |measure| plot.draw(SIZE, measure))?;
        std::fs::write(format!("{folder}/{name}.png"), png)?;
        std::fs::write(format!("{folder}/{name}.svg"), svg)?;
    }
    let (png, _) = files(SIZE, |measure| entropy.draw(SIZE, measure))?;
    std::fs::write(format!("{folder}/entropy.png"), png)?;
    Ok(())
}
