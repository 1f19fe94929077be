//! Shapes as an SVG file.

use std::fmt::Write;

use crate::draw::{Align, Draw, Size, Weight};

/// The SVG file of `shapes`. Text is set in Noto Sans where the viewer has it, else in its sans
/// serif.
pub fn encode(size: Size, shapes: &[Draw]) -> String {
    let Size { width, height } = size;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"'Noto Sans', 'Segoe UI', sans-serif\">\n"
    );
    for shape in shapes {
        append(&mut svg, shape).expect("writing to a string cannot fail");
    }
    svg.push_str("</svg>\n");
    svg
}

fn append(svg: &mut String, shape: &Draw) -> std::fmt::Result {
    match shape {
        Draw::Rect { x, y, width, height, radius, color } => writeln!(
            svg,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" \
             rx=\"{radius:.2}\" fill=\"{}\"/>",
            color.css()
        ),
        Draw::Text { x, y, align, size, weight, color, text } => {
            let anchor = match align {
                Align::Left => "start",
                Align::Center => "middle",
                Align::Right => "end",
            };
            let weight = if *weight == Weight::Bold { " font-weight=\"700\"" } else { "" };
            writeln!(
                svg,
                "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size:.2}\" text-anchor=\"{anchor}\"\
                 {weight} fill=\"{}\">{}</text>",
                color.css(),
                escape(text)
            )
        }
        Draw::Line { from, to, width, color, dash } => {
            let dash =
                if *dash > 0.0 { format!(" stroke-dasharray=\"{dash}\"") } else { String::new() };
            writeln!(
                svg,
                "<line x1=\"{:.2}\" y1=\"{:.2}\" x2=\"{:.2}\" y2=\"{:.2}\" stroke=\"{}\" \
                 stroke-width=\"{width:.2}\"{dash}/>",
                from[0],
                from[1],
                to[0],
                to[1],
                color.css()
            )
        }
        Draw::Polyline { points, width, color } => writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width:.2}\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"/>",
            list(points),
            color.css()
        ),
        Draw::Area { points, color } => {
            writeln!(svg, "<polygon points=\"{}\" fill=\"{}\"/>", list(points), color.css())
        }
    }
}

fn list(points: &[[f32; 2]]) -> String {
    points.iter().map(|p| format!("{:.2},{:.2}", p[0], p[1])).collect::<Vec<_>>().join(" ")
}

/// Text as XML wants it; characters that XML 1.0 forbids become U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
    out
}
