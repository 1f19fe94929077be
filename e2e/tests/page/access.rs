//! Accessibility by axe-core, sizes, and the longest task of the main thread.

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, dist, root, serve};

/// Most bytes of WebAssembly and JavaScript, compressed.
const MOST_BYTES: usize = 900_000;
/// Longest task while the model writes, in milliseconds.
const LONGEST_TASK: f64 = 50.0;

#[tokio::test]
async fn axe_finds_nothing_and_the_main_thread_stays_free() {
    let axe = root().join("e2e/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(&axe)
        .unwrap_or_else(|error| panic!("{}: {error}; run npm ci in e2e", axe.display()));
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("access", Gpu::Software).await;
    let check = async |state: &str| {
        browser.client.execute(&axe, vec![]).await.expect("axe starts");
        let found = browser
            .run(
                "const result = await axe.run(); \
                 return result.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target).join(', '));",
            )
            .await;
        assert_eq!(found, serde_json::json!([]), "{state}");
    };
    browser.open_ready(&server.url).await;
    check("empty").await;
    browser.fill("#prompt", "Once upon a [MASK:4] cat").await;
    browser.eval("window.longestTask = 0").await;
    browser.write_to_the_end().await;
    let longest = browser.number("window.longestTask").await;
    println!("longest main-thread task while writing: {longest} ms");
    assert!(longest <= LONGEST_TASK, "a task of {longest} ms on the main thread");
    check("finished").await;
    browser.eval("document.querySelector('.token.written').click() ?? true").await;
    browser.wait("!!document.querySelector('.card.sheet')").await;
    check("card").await;
    let dark = serde_json::json!({
        "features": [{ "name": "prefers-color-scheme", "value": "dark" }]
    });
    browser.devtools("Emulation.setEmulatedMedia", dark).await;
    check("dark").await;
    browser.close().await;
}

#[test]
fn the_page_is_small() {
    let mut sizes = Vec::new();
    for entry in std::fs::read_dir(dist()).expect("it is built").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".wasm") || name.ends_with(".js") {
            let file = std::fs::File::open(entry.path()).expect("it is there");
            let output = std::process::Command::new("gzip")
                .args(["-9", "-c"])
                .stdin(file)
                .output()
                .expect("gzip is installed");
            let plain = entry.metadata().expect("it is there").len();
            println!("{name}: {plain} bytes, {} compressed", output.stdout.len());
            sizes.push(output.stdout.len());
        }
    }
    let total: usize = sizes.iter().sum();
    println!("WebAssembly and JavaScript: {total} bytes compressed");
    assert!(sizes.len() >= 4 && total < MOST_BYTES, "{total} bytes, at most {MOST_BYTES}");
}
