//! Interference: gaps, erased, pinned and typed tokens, branches, explanations.

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

#[tokio::test]
async fn gaps_are_filled_and_the_prompt_stays() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("gaps", Gpu::Software).await;
    browser.open_ready(&server.url).await;
    browser.fill("#prompt", "The cat [MASK:3] in the garden.").await;
    browser.fill("[type=range]", "4").await;
    browser.write_to_the_end().await;
    let given = "[...document.querySelectorAll('.token.given')].map(t => t.textContent).join(' ')";
    let given = browser.text(given).await.replace(' ', "");
    assert_eq!(given, "Thecatinthegarden.");
    let written = browser.number("document.querySelectorAll('.token.written').length").await;
    assert_eq!(written, 7.0);

    // A gap from the button lands in the prompt; a wrong one gets a sentence, and stays typed.
    browser.fill("#prompt", "").await;
    browser.press("Add a gap").await;
    browser.wait("document.querySelector('#prompt').value === '[MASK:8]'").await;
    browser.fill("#prompt", "A [MASK:none] of it").await;
    browser.press("Write").await;
    browser
        .wait(
            "document.querySelector('[role=alert]')?.textContent.includes('[MASK:none]') === true",
        )
        .await;
    assert_eq!(
        browser.text("document.querySelector('#prompt').value").await,
        "A [MASK:none] of it"
    );
    browser.pictures("bad-gap").await;
    browser.close().await;
}

#[tokio::test]
async fn tokens_can_be_changed_in_the_middle_of_a_run() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("edits", Gpu::Software).await;
    browser.open_ready(&server.url).await;
    browser.fill("#prompt", "One day,").await;
    browser.fill(".pace select", "6").await;
    browser.press("Write").await;
    browser.wait("Number(document.querySelector('.step-now')?.textContent) >= 4").await;

    // Opening a token tells why; the run goes on meanwhile.
    browser.eval("document.querySelector('.token.written').click() ?? true").await;
    browser.wait("document.querySelectorAll('.card .alternative').length === 5").await;
    browser.press("Pause").await;
    browser.pictures("card").await;
    let shares = "[...document.querySelectorAll('.card .alternative .number')].map(n => parseFloat(n.textContent))";
    let shares: Vec<f64> = serde_json::from_value(browser.eval(shares).await).expect("numbers");
    assert!(shares.is_sorted_by(|a, b| a >= b) && shares.iter().sum::<f64>() < 100.5, "{shares:?}");

    // A pinned token is still there at the end, an erased one was masked.
    let position = browser
        .text("document.querySelector('.token.written:not(.masked)').dataset.position")
        .await;
    let token = format!("document.querySelector('[data-position=\"{position}\"]')");
    browser.press("Close").await;
    browser.eval(&format!("{token}.click() ?? true")).await;
    browser.press("Pin").await;
    browser.wait(&format!("{token}.classList.contains('pinned')")).await;
    let pinned = browser.text(&format!("{token}.textContent")).await;
    browser.press("Close").await;
    let other = browser
        .text(
            "[...document.querySelectorAll('.token.written:not(.pinned)')].at(-1).dataset.position",
        )
        .await;
    let other = format!("document.querySelector('[data-position=\"{other}\"]')");
    browser.eval(&format!("{other}.focus() ?? true")).await;
    browser
        .eval(&format!("{other}.dispatchEvent(new KeyboardEvent('keydown', {{ key: 'Delete', bubbles: true }}))"))
        .await;
    browser.wait(&format!("{other}.classList.contains('masked')")).await;
    browser.press("Go on").await;
    browser.wait("document.body.innerText.includes('nothing is masked any more')").await;
    assert_eq!(browser.text(&format!("{token}.textContent")).await, pinned);

    // Back in time, another word: a branch that goes on from there; the old run stays.
    let old = browser.story().await;
    browser.fill(".scrubber", "6").await;
    browser.eval("document.querySelector('.token.masked').click() ?? true").await;
    browser.fill(".type-token input", "cat").await;
    browser.press("Put").await;
    browser.wait("document.querySelectorAll('.branch').length === 2").await;
    browser.press("Go on").await;
    browser.wait("document.body.innerText.includes('nothing is masked any more')").await;
    assert!(browser.story().await.contains(&"cat".to_owned()));
    browser.pictures("branches").await;
    browser.click(".branches li:first-child .branch").await;
    browser.wait("document.querySelector('.branches li:first-child .branch').classList.contains('current')").await;
    assert_eq!(browser.story().await, old);
    browser.close().await;
}
