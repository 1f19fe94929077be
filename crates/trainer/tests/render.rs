//! `render`: files made from a saved trace hold the pictures that the layout says.

#[path = "../../plot/tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use plot::draw::Size;
use plot::layout::Plan;
use plot::raster::Raster;
use plot::theme::Theme;
use plot::{State, Trace};
use tempfile::TempDir;

const SIZE: Size = Size { width: 640, height: 360 };

/// A folder with the trace of a story in it.
fn folder() -> (TempDir, Trace) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let trace = support::story();
    fs::write(folder.path().join("trace.json"), trace.to_json()).expect("trace");
    (folder, trace)
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.current_dir(folder).args(["render", "trace.json"]).args(arguments);
    command
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

/// Runs what must fail; its only line.
fn fault(command: &mut Command) -> String {
    let output = command.output().expect("trainer starts");
    assert!(!output.status.success());
    let said = message(&output);
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("folder");
    let name = |e: std::io::Result<fs::DirEntry>| {
        e.expect("entry").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// The pictures of a file, decoded by ffmpeg to RGBA.
fn decode(file: &Path) -> Vec<Vec<u8>> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-vf", "scale=in_color_matrix=bt709", "-f", "rawvideo", "-pix_fmt", "rgba"])
        .args(["-fps_mode", "passthrough", "-"])
        .output()
        .expect("ffmpeg starts");
    assert!(output.status.success(), "{}", message(&output));
    let bytes = (SIZE.width * SIZE.height * 4) as usize;
    assert_eq!(output.stdout.len() % bytes, 0);
    output.stdout.chunks(bytes).map(<[u8]>::to_vec).collect()
}

/// Checks masks, flashes and background of a picture of `frame`; compression may change each
/// channel a little.
fn check(pixels: &[u8], trace: &Trace, frame: usize, fresh: bool) {
    let mut raster = Raster::new(SIZE).expect("size");
    let mut measure = |t: &str, s, w| raster.measure(t, s, w);
    let plan = Plan::new(trace, SIZE, &mut measure);
    let places = plan.places(frame, &mut measure);
    let palette = Theme::Dark.palette();
    let near = |x: f32, y: f32, color: plot::draw::Color| {
        let at = (y as usize * SIZE.width as usize + x as usize) * 4;
        [color.r, color.g, color.b].iter().zip(&pixels[at..]).all(|(a, b)| a.abs_diff(*b) <= 14)
    };
    assert!(near(3.0, 3.0, palette.background), "the background");
    let (mut right, mut all) = (0, 0);
    for place in places.iter().filter(|p| p.width > 1.5 * plan.font_size()) {
        let (x, middle) = (place.x + place.width / 2.0, place.y + 0.48 * place.height);
        let found = match trace.state(frame, place.token) {
            State::Masked => near(x, middle, palette.mask),
            State::Fresh if fresh => near(x, place.y + 0.14 * place.height, palette.accent),
            _ => continue,
        };
        all += 1;
        right += usize::from(found);
    }
    // The top of a tall letter may be where the flash is looked for.
    assert!(right * 10 >= all * 9, "frame {frame}: {right} of {all} places as the layout says");
    assert!(all > 10 || frame > 40, "frame {frame} shows {all} masks and flashes");
}

#[test]
fn mp4_gif_and_png_show_the_layout() {
    let (folder, trace) = folder();
    let output = command(
        folder.path(),
        &["--mp4", "story.mp4", "--gif", "story.gif", "--png", "story.png", "--frame", "25"],
    )
    .args(["--size", "640x360", "--fps", "20", "--mp4-frame-ms", "100"])
    .output()
    .expect("trainer starts");
    assert!(output.status.success(), "{}", message(&output));
    assert_eq!(names(folder.path()), ["story.gif", "story.mp4", "story.png", "trace.json"]);

    let video = decode(&folder.path().join("story.mp4"));
    assert_eq!(video.len(), 174); // (0.7 s + 50 * 0.1 s + 3 s) * 20
    for frame in [0, 10, 25, 50] {
        // 0.7 s before the first step, then two pictures for each; the first of them is the flash.
        check(&video[14 + 2 * frame], &trace, frame, true);
    }
    let gif = decode(&folder.path().join("story.gif"));
    assert_eq!(gif.len(), 53);
    for frame in [0, 10, 25] {
        check(&gif[frame], &trace, frame, true);
    }
    let png = decode(&folder.path().join("story.png"));
    check(&png[0], &trace, 25, true);
}

#[test]
fn a_web_page_is_the_one_of_the_page() {
    let (folder, trace) = folder();
    let output = command(folder.path(), &["--html", "story.html"]).output().expect("it starts");
    assert!(output.status.success(), "{}", message(&output));
    assert_eq!(names(folder.path()), ["story.html", "trace.json"]);
    let html = fs::read_to_string(folder.path().join("story.html")).expect("just written");
    assert_eq!(html, plot::replay::html(&trace));
}

#[test]
fn mp4_plays_everywhere() {
    let (folder, _) = folder();
    let output = command(folder.path(), &["--mp4", "story.mp4", "--mp4-frame-ms", "10"]).output();
    assert!(output.expect("trainer starts").status.success());
    let file = folder.path().join("story.mp4");
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-show_entries"])
        .args(["stream=codec_name,width,height,pix_fmt,color_space,r_frame_rate", "-of", "csv=p=0"])
        .arg(&file)
        .output()
        .expect("ffprobe starts");
    let found = String::from_utf8_lossy(&probe.stdout).trim().to_owned();
    assert_eq!(found, "h264,1280,720,yuv420p,bt709,30/1");
    // The index stands before the pictures, so that a player can begin while it loads.
    let bytes = fs::read(&file).expect("video");
    let at = |name: &[u8]| bytes.windows(4).position(|w| w == name).expect("box");
    assert!(at(b"moov") < at(b"mdat"));
}

#[test]
fn without_ffmpeg_there_is_advice_and_a_gif() {
    let (folder, _) = folder();
    let said = fault(command(folder.path(), &["--mp4", "a.mp4"]).env("PATH", ""));
    for part in ["apt-get install ffmpeg", "brew", "winget", "GIF"] {
        assert!(said.contains(part), "{said}");
    }
    let small = ["--gif", "a.gif", "--size", "320x180"];
    let gif = command(folder.path(), &small).env("PATH", "").output().expect("trainer starts");
    assert!(gif.status.success(), "{}", message(&gif));
    assert_eq!(names(folder.path()), ["a.gif", "trace.json"]);
}

#[cfg(unix)]
#[test]
fn a_failing_ffmpeg_says_why_and_leaves_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, _) = folder();
    fs::write(folder.path().join("old.mp4"), "old").expect("file");
    let tools = tempfile::tempdir().expect("temporary folder");
    let fake = tools.path().join("ffmpeg");
    fs::write(&fake, "#!/bin/sh\necho warming up >&2\necho no space left >&2\necho >&2\nexit 1\n")
        .expect("script");
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).expect("executable");
    let said = fault(command(folder.path(), &["--mp4", "old.mp4"]).env("PATH", tools.path()));
    assert!(said.ends_with("no space left"), "{said}");
    assert!(said.contains("old.mp4"), "{said}");
    assert_eq!(names(folder.path()), ["old.mp4", "trace.json"]);
    assert_eq!(fs::read(folder.path().join("old.mp4")).expect("file"), b"old");
}

#[test]
fn bad_input_has_one_clear_sentence() {
    let (folder, _) = folder();
    let folder = folder.path();
    let cases: [(&[&str], &str); 5] = [
        (&["--png", "a.png", "--frame", "99"], "no frame 99; its frames are 0 to 50"),
        (&["trace.json", "--html", "a.html"], "plays one trace"),
        (&["--mp4", "a.mp4", "--size", "641x360"], "both must be even"),
        (&["--mp4", "missing/a.mp4"], "cannot write missing/a.mp4"),
        (&["--gif", "missing/a.gif"], "cannot write missing/a.gif"),
    ];
    for (arguments, part) in cases {
        let said = fault(&mut command(folder, arguments));
        assert!(said.contains(part), "{said}");
    }
    for (content, part) in [("{}", "not a trace"), ("{\"version\":9}", "version 9")] {
        fs::write(folder.join("trace.json"), content).expect("trace");
        let said = fault(&mut command(folder, &["--png", "a.png"]));
        assert!(said.contains("trace.json") && said.contains(part), "{said}");
    }
    fs::remove_file(folder.join("trace.json")).expect("trace");
    let said = fault(&mut command(folder, &["--png", "a.png"]));
    assert!(said.contains("cannot read the trace trace.json"), "{said}");
    assert_eq!(names(folder), Vec::<String>::new());

    let nothing = command(folder, &[]).output().expect("trainer starts");
    assert!(message(&nothing).contains("--gif"), "{}", message(&nothing));
}

#[test]
fn confidence_can_be_left_out() {
    let (folder, _) = folder();
    let picture = |name: &str, more: &[&str]| {
        let arguments = [&["--png", name, "--frame", "3", "--size", "640x360"], more].concat();
        let output = command(folder.path(), &arguments).output().expect("trainer starts");
        assert!(output.status.success(), "{}", message(&output));
        fs::read(folder.path().join(name)).expect("a picture")
    };
    let with = picture("with.png", &[]);
    assert!(with == picture("again.png", &[]));
    assert!(with != picture("without.png", &["--no-confidence"]));
}

#[test]
fn two_traces_are_shown_beside_each_other() {
    let (folder, trace) = folder();
    let mut quick = trace.clone();
    quick.frames = [0, 10, 20, 30, 40, 50].map(|frame| trace.frames[frame].clone()).to_vec();
    quick.seed = 99;
    fs::write(folder.path().join("quick.json"), quick.to_json()).expect("trace");
    let made = ["--gif", "both.gif", "--png", "both.png", "--frame", "20", "--size", "640x360"];
    let output = command(folder.path(), &["quick.json"]).args(made).output().expect("it starts");
    assert!(output.status.success(), "{}", message(&output));

    let mut raster = Raster::new(SIZE).expect("size");
    let panes = plot::layout::Pane::both(&trace, &quick);
    assert_eq!(panes.each_ref().map(|pane| pane.title.as_str()), ["seed 1234", "seed 99"]);
    let pair = plot::layout::Pair::new(panes, SIZE, &mut |t, s, w| raster.measure(t, s, w));
    let style = plot::layout::Style::default();
    let shapes = pair.draw(20.into(), &style, &mut |t, s, w| raster.measure(t, s, w));
    let expected = raster.draw(&shapes).to_vec();
    assert!(decode(&folder.path().join("both.png"))[0] == expected, "the layout of both");
    assert_eq!(decode(&folder.path().join("both.gif")).len(), 53, "the longer run's time line");

    // Frames are those of the longer run; a third trace has no place.
    let late = &["quick.json", "--png", "p.png", "--frame", "51"];
    let said = fault(&mut command(folder.path(), late));
    assert!(said.contains("no frame 51; its frames are 0 to 50"), "{said}");
    let three = &["quick.json", "quick.json", "--png", "p.png"];
    let output = command(folder.path(), three).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2), "{}", message(&output));
    let over = fault(&mut command(folder.path(), &["quick.json", "--png", "quick.json"]));
    assert!(over.contains("is read, so it cannot be written to"), "{over}");
}
