//! Edits: gaps, erased, pinned and typed tokens, branches, explanations.

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

#[test]
fn gaps_are_filled_and_the_prompt_stays() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("gaps", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "The cat [MASK:3] in the garden.");
    browser.fill(".settings [type=range]", "4");
    // Nothing ends the text early: all seven places are written.
    browser.eval("document.querySelector('.settings [type=checkbox]').click() ?? true");
    browser.write_to_the_end();
    let given = "[...document.querySelectorAll('.token.given')].map(t => t.textContent).join('')";
    assert_eq!(browser.text(given).replace(' ', ""), "Thecatinthegarden.");
    let written = browser.number("document.querySelectorAll('.token.written').length");
    assert_eq!(written, 7.0);

    // A gap from the button lands in the prompt; a wrong one gets a sentence, and stays typed.
    browser.fill("#prompt", "");
    browser.press("Add a gap");
    browser.wait("document.querySelector('#prompt').value === '[MASK:8]'");
    // It keeps its distance from the words around it, and the browser's own undo takes it back.
    browser.fill("#prompt", "A cat ran home.");
    browser.eval("document.querySelector('#prompt').setSelectionRange(6, 6) ?? true");
    browser.press("Add a gap");
    browser.wait("document.querySelector('#prompt').value === 'A cat [MASK:8] ran home.'");
    browser.eval("document.execCommand('undo')");
    browser.wait("document.querySelector('#prompt').value === 'A cat ran home.'");
    for (prompt, sentence) in [
        ("A [MASK:none] of it", "[MASK:none]"),
        ("The cat saw a big red ball. [MASK:70]", "shorten the prompt"),
    ] {
        browser.fill("#prompt", prompt);
        browser.press("Write");
        browser.wait(&format!(
            "document.querySelector('[role=alert]')?.textContent.includes({sentence:?}) === true"
        ));
        assert_eq!(browser.text("document.querySelector('#prompt').value"), prompt);
    }
    browser.pictures("bad-gap");

    // It still writes.
    browser.fill("#prompt", "The cat");
    browser.write_to_the_end();
    assert_eq!(browser.eval("!document.querySelector('[role=alert]')"), true);
}

/// The token at a position.
fn token(position: &str) -> String {
    format!("document.querySelector('[data-position=\"{position}\"]')")
}

#[test]
fn tokens_can_be_changed_in_the_middle_of_a_run() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("edits", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day,");
    browser.eval("document.querySelector('.settings [type=checkbox]').click() ?? true");
    // Fewer steps a second than the test takes to click.
    browser.press("Write");
    browser.fill(".pace select", "2");
    browser.wait_step(4);

    // Opening a token tells why; the run goes on meanwhile.
    browser.eval("document.querySelector('.token.written').click() ?? true");
    browser.wait("document.querySelectorAll('.card .alternative').length === 5");
    let shares = "[...document.querySelectorAll('.card .alternative .number')].map(n => parseFloat(n.textContent))";
    let shares: Vec<f64> = serde_json::from_value(browser.eval(shares)).expect("numbers");
    assert!(shares.is_sorted_by(|a, b| a >= b) && shares.iter().sum::<f64>() < 100.5, "{shares:?}");

    // A token is pinned while the run goes on, and stays; another is erased, and was masked.
    let pinned = browser.text("document.querySelector('.token.written').dataset.position");
    let pinned = token(&pinned);
    browser.press("Pin");
    browser.wait(&format!("{pinned}.classList.contains('pinned')"));
    let text = browser.text(&format!("{pinned}.textContent"));
    browser.press("Close");
    assert_eq!(browser.eval("!!document.querySelector('[aria-label=\"Pause\"]')"), true);
    browser.press("Pause");
    let other = browser.text(
        "[...document.querySelectorAll('.token.written:not(.pinned)')].at(-1).dataset.position",
    );
    browser.key(&token(&other), "Delete");
    browser.wait(&format!("{}.classList.contains('masked')", token(&other)));
    browser.fill(".pace select", "60");
    browser.press("Continue");
    browser.wait_finished();
    assert_eq!(browser.text(&format!("{pinned}.textContent")), text);
    let masks = "document.querySelectorAll('.token.masked').length";
    assert_eq!(browser.number(masks), 0.0);

    // Back in time, another word: a branch that goes on from there; the old run stays.
    let old = browser.story();
    browser.fill(".scrubber", "6");
    browser.eval("document.querySelector('.token.masked').click() ?? true");
    browser.wait("!!document.querySelector('.card.sheet .type-token')");
    browser.pictures("card");
    let typed = browser.text("document.querySelector('.token.masked').dataset.position");
    browser.fill(".type-token input", "cat");
    browser.press("Put");
    browser.wait("document.querySelectorAll('.branch').length === 3");
    browser.press("Continue");
    browser.wait_finished();
    assert_eq!(browser.text(&format!("{}.textContent", token(&typed))), "cat");
    assert_eq!(browser.number(masks), 0.0);
    browser.pictures("branches");
    let before = "document.querySelector('.branches li:nth-child(2) .branch')";
    browser.eval(&format!("{before}.click() ?? true"));
    browser.wait(&format!("{before}.classList.contains('current')"));
    assert_eq!(browser.story(), old);

    // Erased after the end, the model fills it again.
    browser.key(&token("5"), "Delete");
    browser.wait(&format!("{}.classList.contains('masked')", token("5")));
    browser.press("Continue");
    browser.wait_finished();
    assert_eq!(browser.number(masks), 0.0);
}

#[test]
fn a_text_that_ended_early_can_be_written_on() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("ending", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day,");
    browser.fill(".settings [type=range]", "56");
    let ended = "!document.querySelector('.ending').hidden";
    // What a seed writes is always the same; a model of random weights ends few texts.
    let ends = |seed: u32| {
        browser.fill("#seed", &seed.to_string());
        browser.write_to_the_end();
        browser.settle();
        browser.eval(ended) == true
    };
    assert!((1..40).any(ends), "no text ended early");
    browser.pictures("ended");
    let before = browser.number("document.querySelector('.token.end').dataset.position * 1");
    let dim = "document.querySelectorAll('.token.dim').length";
    assert_eq!(browser.number(dim), browser.story().len() as f64 - before - 1.0);

    browser.press("Remove the end and write on");
    let behind = token(&before.to_string());
    browser.wait(&format!("!{behind}.classList.contains('end')"));
    browser.wait("!document.querySelector('.token.masked')");
    browser.settle();
    assert_eq!(browser.eval(&format!("{behind}.classList.contains('end')")), false);
    assert_eq!(browser.eval(ended), false);
    assert_eq!(browser.number(dim), 0.0);
}

#[test]
fn edits_are_undone_and_the_focus_stays() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("undo", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day,");
    browser.eval("document.querySelector('.settings [type=checkbox]').click() ?? true");
    browser.press("Write");
    browser.fill(".pace select", "2");
    browser.wait_step(4);
    browser.press("Pause");
    browser.wait("!!document.querySelector('[aria-label=\"Continue\"]')");
    std::thread::sleep(std::time::Duration::from_millis(500));

    // Two words are erased at the head of the run; both come back, one after the other.
    let before = browser.story();
    let written: Vec<String> = (0..2)
        .map(|i| {
            browser
                .text(&format!("document.querySelectorAll('.token.written')[{i}].dataset.position"))
        })
        .collect();
    browser.key(&token(&written[0]), "Delete");
    browser.wait(&format!("{}.classList.contains('masked')", token(&written[0])));
    let learn = "document.querySelector('.learn').innerText";
    browser.wait(&format!("{learn}.includes('You erased 1 word.')"));
    let one = browser.story();
    browser.key(&token(&written[1]), "Delete");
    browser.wait(&format!("{learn}.includes('You erased 2 words.')"));
    browser.pictures("erased");
    browser.press("Undo");
    browser.wait(&format!("{learn}.includes('You erased 1 word.')"));
    assert_eq!(browser.story(), one);
    browser.eval(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'z', ctrlKey: true, bubbles: true }))",
    );
    browser.wait("!document.querySelector('.undo')");
    assert_eq!(browser.story(), before);

    // The card gives the focus back, from wherever in it Escape is pressed.
    let focused = "document.activeElement.dataset.position ?? document.activeElement.tagName";
    for inside in [".card .alternative", ".card .type-token input"] {
        browser.eval(&format!("{}.click() ?? true", token(&written[0])));
        browser.wait(&format!("!!document.querySelector('{inside}')"));
        browser.eval(&format!("document.querySelector('{inside}').focus() ?? true"));
        browser.key("document.activeElement", "Escape");
        browser.wait("!document.querySelector('.card.sheet')");
        assert_eq!(browser.text(focused), written[0]);
    }
}

#[test]
fn text_is_selected_with_the_mouse() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("select", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "The cat liked the big red ball.");
    browser.write_to_the_end();
    browser.settle();
    let middle = |position: &str| {
        browser.eval(&format!(
            "(({{ left, top, width, height }}) => [left + width / 2, top + height / 2])\
             ({}.getBoundingClientRect())",
            token(position)
        ))
    };
    browser.eval(&format!("{}.scrollIntoView({{ block: 'center' }}) ?? true", token("1")));
    let (from, to) = (middle("1"), middle("5"));
    browser.mouse("mousePressed", &from);
    browser.mouse("mouseMoved", &to);
    browser.mouse("mouseReleased", &to);
    let selected = browser.text("getSelection().toString()");
    assert!(selected.len() > 8, "{selected:?}");
    // It was a selection, not a click.
    assert_eq!(browser.eval("!document.querySelector('.card.sheet')"), true);
    browser.pictures("selected");

    // From the very beginning of a word on.
    browser.eval("getSelection().removeAllRanges() ?? true");
    let edge = browser.eval(&format!(
        "(({{ left, top, height }}) => [left + 1, top + height / 2])({}.getBoundingClientRect())",
        token("1")
    ));
    let to = middle("5");
    browser.mouse("mousePressed", &edge);
    browser.mouse("mouseMoved", &to);
    browser.mouse("mouseReleased", &to);
    let (selected, word) = (browser.text("getSelection().toString()"), token("1"));
    assert!(selected.starts_with(&browser.text(&format!("{word}.textContent"))), "{selected:?}");
    assert!(selected.len() > 8, "{selected:?}");

    // A click opens the word, and the keyboard goes on from there.
    browser.eval("getSelection().removeAllRanges() ?? true");
    browser.mouse("mousePressed", &edge);
    browser.mouse("mouseReleased", &edge);
    browser.wait("!!document.querySelector('.card.sheet')");
    assert_eq!(browser.text("document.activeElement.dataset.position"), "1");
}

#[test]
fn steps_that_change_nothing_are_not_waited_for() {
    let server = serve(&Tiny::patient());
    let browser = Browser::start("idle-steps", Gpu::Software);
    browser.open_ready(&server.url);
    // Four places and 200 steps at two a second: 100 seconds, if each were waited for.
    let started = std::time::Instant::now();
    browser.eval("(location.hash = '#prompt=The+cat+[MASK:4]+ball.&length=0&steps=200') ?? true");
    browser.fill(".pace select", "2");
    browser.wait_finished();
    let seconds = started.elapsed().as_secs_f64();
    println!("200 steps for four places took {seconds:.1} s");
    assert!(seconds < 75.0, "{seconds} s");
    // Replay passes over them, too.
    let started = std::time::Instant::now();
    browser.press("Play");
    browser.wait("!!document.querySelector('[aria-label=\"Pause\"]')");
    browser.wait("!!document.querySelector('[aria-label=\"Play\"]')");
    let seconds = started.elapsed().as_secs_f64();
    assert!(seconds < 75.0, "{seconds} s");
}

#[test]
fn a_link_carries_what_a_person_changed() {
    let server = serve(&Tiny::new());
    // One device for both: another one rounds confidences differently.
    let browser = Browser::start("edited-link", Gpu::None);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day,");
    browser.eval("document.querySelector('.settings [type=checkbox]').click() ?? true");
    browser.write_to_the_end();
    // In the middle: a word pinned, one put in, one erased; then at the end another one erased.
    browser.fill(".scrubber", "8");
    let written = browser.text("document.querySelector('.token.written').dataset.position");
    browser.key(&token(&written), "p");
    let masked = browser.text("document.querySelector('.token.masked').dataset.position");
    browser.eval(&format!("{}.click() ?? true", token(&masked)));
    browser.wait("!!document.querySelector('.card.sheet .type-token')");
    browser.fill(".type-token input", "cat");
    browser.press("Put");
    browser.press("Close");
    let other = "[...document.querySelectorAll('.token.written:not(.pinned)')].at(-1)";
    browser.key(other, "Delete");
    browser.press("Continue");
    browser.wait_finished();
    let late = browser.text(
        "[...document.querySelectorAll('.token.written:not(.pinned)')].at(2).dataset.position",
    );
    browser.key(&token(&late), "Delete");
    browser.press("Continue");
    browser.wait_finished();
    let (story, told) = (browser.story(), browser.trace());
    assert_eq!(told.pinned.len(), 2);

    browser
        .eval("(navigator.clipboard.writeText = async text => { window.copied = text; }) ?? true");
    browser.press("Copy link");
    browser.wait("!!window.copied");
    let link = browser.text("window.copied");
    assert!(link.contains("&edits="), "{link}");
    println!("a link with four changes: {} bytes", link.len());

    // Somebody else opens it.
    browser.open("about:blank");
    browser.open(&link);
    browser.wait_ready();
    browser.wait_finished();
    assert_eq!(browser.story(), story);
    let again = browser.trace();
    assert_eq!((&again.pinned, &again.frames), (&told.pinned, &told.frames));
    assert_eq!(browser.text("location.href"), link);
    browser
        .eval("(navigator.clipboard.writeText = async text => { window.copied = text; }) ?? true");
    browser.press("Copy link");
    browser.wait("!!window.copied");
    assert_eq!(browser.text("window.copied"), link);
}
