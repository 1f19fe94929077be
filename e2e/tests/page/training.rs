//! The training's views. What the engine does is proved elsewhere; here its part is played: what the
//! page asks is kept, and what the engine would say is said.

use diffusion::training::Split;
use serde_json::{Value, json};
use web::protocol::{
    Chore, CorpusInfo, Event, Fault, FaultKind, Kept, Level, Plan, Record, Text, TrainEvent,
    TrainInfo,
};

use crate::browser::{Browser, Gpu};
use crate::drops::{drop_on, files};
use crate::site::{Tiny, serve};

/// Keeps what is asked about a training, in place of the engine.
pub(crate) const STAGE: &str = "window.asked = []; \
    window.Worker = class extends Worker { \
        constructor(...all) { super(...all); window.engine = this; } \
        postMessage(message) { \
            const command = JSON.parse(message[0]); \
            if (command.Train === undefined) super.postMessage(message); \
            else window.asked.push({ command: command.Train, files: message.slice(1).map(f => f.name) }); \
        } \
    };";

/// The slider of the learning rate.
const RATE: &str = ".train .rail input[type=range]";

/// The link that opens the training.
pub(crate) const TRAIN: &str = ".modes a + a";

/// A browser in which this test plays the engine's part.
fn stage(name: &str) -> Browser {
    let browser = Browser::start(name, Gpu::Software);
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": STAGE }));
    browser
}

/// Says something in the engine's name.
pub(crate) fn say(browser: &Browser, event: TrainEvent) {
    let event = serde_json::to_string(&Event::Training(event)).expect("events have a JSON form");
    browser.execute(
        "window.engine.dispatchEvent(new MessageEvent('message', { data: arguments[0] }));",
        &[event.into()],
    );
}

/// The last command about the training, once it is of this name.
fn asked(browser: &Browser, name: &str) -> Value {
    browser.wait(&format!(
        "(c => c === {name:?} || c?.[{name:?}] !== undefined)(window.asked.at(-1)?.command)"
    ));
    browser.eval("window.asked.at(-1).command")
}

pub(crate) fn shown(browser: &Browser, text: &str) {
    browser.wait(&format!(
        "document.querySelector('main:not([hidden])').innerText.includes({text:?})"
    ));
}

pub(crate) fn plan() -> Plan {
    Plan {
        text: Text::Grammar { level: Level::First, stories: 3_000, seed: 1 },
        preset: "pocket".to_owned(),
        changes: vec![],
    }
}

pub(crate) fn corpus() -> TrainEvent {
    let pieces = ["Once", " upon", " a", " time", ",", " a", " cat", " was", " happy", "."];
    TrainEvent::Corpus(Box::new(CorpusInfo {
        bytes: 312_400,
        stories: 3_000,
        vocabulary: 512,
        train_tokens: 81_000,
        validation_tokens: 9_000,
        bytes_per_token: 3.5,
        unigram: 4.9,
        beginning: pieces.into_iter().cycle().take(80).map(str::to_owned).collect(),
        ..CorpusInfo::default()
    }))
}

/// The settings of a run by this plan.
fn settings(plan: &Plan) -> String {
    let mut text = String::new();
    for section in plan.planned() {
        text += &format!("[{}]\n", section.name);
        for key in section.keys {
            text += &format!("{} = {}\n", key.name, key.value);
        }
    }
    text
}

pub(crate) fn ready(plan: &Plan, step: u32) -> TrainEvent {
    TrainEvent::Ready(Box::new(TrainInfo {
        name: "Pocket".to_owned(),
        text: plan.text.clone(),
        steps: 400,
        settings: settings(&plan),
        entropy: 0.62,
        parameters: 312_000,
        vocabulary: 512,
        step,
        step_ms: 90.0,
        memory: 34_000_000,
        adapter: "A graphics card".to_owned(),
        on_cpu: None,
    }))
}

fn kept(step: u32) -> Kept {
    Kept {
        text: plan().text,
        step,
        steps: 400,
        validation_loss: Some(3.21),
        bytes: 4_000_000,
        time: 1.7e12,
    }
}

/// What the log has after so many steps.
pub(crate) fn records(from: u32, to: u32) -> Vec<Record> {
    let loss = |step: u32| 1.5 + 4.7 * (-f64::from(step) / 120.0).exp();
    let mut records = vec![];
    for step in (from + 1..=to).filter(|step| step % 10 == 0) {
        records.push(Record::Step {
            step,
            loss: loss(step) + 0.1,
            grad_norm: 1.0,
            lr: 0.005,
            tokens_per_second: 22_756.0,
            skipped: 0,
        });
        if step % 50 == 0 {
            records.push(Record::Evaluation {
                step,
                split: Split::Validation,
                loss: loss(step),
                accuracy: 0.31,
                entropy: 2.0,
                bits_per_byte: Some(0.62 + loss(step) / 3.0),
                bits_per_byte_error: None,
            });
            let text = format!("Once upon a time, a cat found {step} red balls in the garden.");
            records.push(Record::Sample { step, text });
        }
    }
    records
}

pub(crate) fn advance(browser: &Browser, from: u32, to: u32) {
    say(browser, TrainEvent::Records(records(from, to)));
    let left = f64::from(400 - to) * 0.09;
    say(browser, TrainEvent::Stepped { step: to, ms: 90.0, left, memory: 34_000_000 });
}

#[test]
fn a_training_is_prepared_watched_changed_and_taken_along() {
    let server = serve(&Tiny::new());
    let browser = stage("training");
    browser.open_ready(&server.url);
    browser.click(TRAIN);
    let question = asked(&browser, "Prepare");
    assert_eq!(question["Prepare"]["plan"], json!(plan()));
    assert_eq!(browser.eval("window.asked[0].command"), "Look");
    say(&browser, TrainEvent::Kept(None));
    say(&browser, TrainEvent::Busy(Chore::Tokenizer));
    shown(&browser, "Training the tokenizer");
    say(&browser, corpus());
    say(&browser, ready(&plan(), 0));
    for text in ["3,000 stories", "90,000 tokens", "vocabulary of 512", "0.3 million parameters"] {
        shown(&browser, text);
    }
    shown(&browser, "400 steps of 90 ms take about 36 s on A graphics card.");
    shown(&browser, "ln 512 = 6.24 nats");
    browser.check_access("training, ready");
    browser.pictures("training-ready");

    // A change of the controls is another plan, and its address.
    browser.click("input[value=full]");
    browser.wait("location.hash.startsWith('#train=full&')");
    browser.wait("window.asked.at(-1).command.Prepare.plan.text.Grammar.level === 'Full'");
    browser.click("input[value=first]");
    browser.wait("window.asked.at(-1).command.Prepare.plan.text.Grammar.level === 'First'");
    // The answer to the older question comes first, and is void.
    say(&browser, ready(&plan(), 0));
    say(&browser, ready(&plan(), 0));

    browser.press("Train");
    asked(&browser, "Go");
    advance(&browser, 0, 130);
    shown(&browser, "Step 130 of 400");
    shown(&browser, "22,756 tokens/s");
    shown(&browser, "24 s left");
    shown(&browser, "100 red balls");
    shown(&browser, "Of the hidden words of unseen stories it guesses 31%.");
    browser.wait("document.title === 'Step 130 of 400 · Cinnabar'");
    browser.check_access("training, going");
    browser.pictures("training-going");

    browser.press("Pause");
    asked(&browser, "Pause");
    say(&browser, TrainEvent::Stored(kept(130)));
    say(&browser, TrainEvent::Paused);
    shown(&browser, "Stored in this browser up to step 130.");
    // The strip goes back in time, and stays there while new texts come.
    browser.fill(".strip .scrubber", "0");
    shown(&browser, "50 red balls");
    browser.press("One step");
    asked(&browser, "Step");
    advance(&browser, 130, 150);
    say(&browser, TrainEvent::Paused);
    shown(&browser, "50 red balls");
    browser.fill(".strip .scrubber", "2");
    shown(&browser, "150 red balls");
    // Another rate in the middle is for both optimizers.
    browser.fill(RATE, "-2");
    let change = asked(&browser, "Change");
    let half = |key: &str| format!("{key}={:.2e}", plan().number(key) / 2.0);
    let halves = vec![half("optimizer.lr"), half("optimizer.muon.lr")];
    assert_eq!(change["Change"], json!(halves));
    let slower = Plan { changes: halves, ..plan() };
    say(&browser, ready(&slower, 150));
    browser.wait(&format!("document.querySelector({RATE:?}).ariaValueText === '0.0025'"));
    // What is refused is as before.
    browser.fill(RATE, "6");
    asked(&browser, "Change");
    let message = "That rate is refused.".to_owned();
    say(&browser, TrainEvent::Fault(Fault { kind: FaultKind::Request, message }));
    browser.wait(&format!("document.querySelector({RATE:?}).value === '-2'"));
    browser.press("Dismiss");

    // A training that goes is changed in passing.
    browser.press("Go on");
    asked(&browser, "Go");
    browser.fill(RATE, "0");
    asked(&browser, "Change");
    say(&browser, TrainEvent::Busy(Chore::Device));
    say(&browser, ready(&plan(), 150));
    browser.wait(&format!("document.querySelector({RATE:?}).ariaValueText === '0.005'"));
    assert_eq!(browser.text("document.querySelector('.training .primary').innerText"), "Pause");
    let full = "The browser has no room for 4 MB: the training goes on, but is not stored.";
    say(&browser, TrainEvent::NotStored(full.to_owned()));
    shown(&browser, full);
    advance(&browser, 150, 400);
    say(&browser, TrainEvent::Complete);
    shown(&browser, "400 red balls");
    browser.check_access("training, complete");
    browser.pictures("training-complete");
    browser.press("Train as long again");
    assert_eq!(asked(&browser, "Change")["Change"], json!(["train.steps=800"]));

    browser.press("Save checkpoint");
    assert_eq!(asked(&browser, "Take"), json!({ "Take": "Checkpoint" }));
    let url = browser.text("URL.createObjectURL(new Blob(['zip']))");
    say(&browser, TrainEvent::File { name: "pocket.zip".to_owned(), url, bytes: 3 });
    assert_eq!(std::fs::read(browser.saved("pocket.zip")).expect("it is saved"), b"zip");
    browser.press("Write with it");
    asked(&browser, "Write");
}

#[test]
fn a_folder_and_a_text_are_dropped_together() {
    let server = serve(&Tiny::new());
    let browser = stage("training-drop");
    browser.open_ready(&server.url);
    browser.click(TRAIN);
    asked(&browser, "Prepare");
    let folder = browser.downloads.join("step-000130");
    std::fs::create_dir_all(&folder).expect("target is ours");
    let text = browser.downloads.join("stories.txt");
    for name in ["model.safetensors", "optimizer.safetensors", "tokenizer.json"] {
        std::fs::write(folder.join(name), "any").expect("target is ours");
    }
    std::fs::write(&text, "any").expect("target is ours");
    drop_on(&browser, ".training", &files(&[&text, &folder]));
    asked(&browser, "Open");
    let mut taken: Vec<String> =
        serde_json::from_value(browser.eval("window.asked.at(-1).files")).expect("names");
    taken.sort();
    let all = ["model.safetensors", "optimizer.safetensors", "stories.txt", "tokenizer.json"];
    assert_eq!(taken, all);
}

#[test]
fn a_link_prepares_the_same_training_and_faults_are_said() {
    let server = serve(&Tiny::new());
    let browser = stage("training-link");
    let link = "train=full&stories=1000&corpus-seed=7&preset=pocket&set=train.steps%3D70";
    browser.open_ready(&format!("{}#{link}", server.url));
    let question = asked(&browser, "Prepare");
    let changes = vec!["train.steps=70".to_owned()];
    let text = Text::Grammar { level: Level::Full, stories: 1_000, seed: 7 };
    let wanted = Plan { text, changes, ..plan() };
    assert_eq!(question["Prepare"]["plan"], json!(wanted));
    let sentence = "The text is too short: 12 tokens, and a training needs 640.";
    let fault = Fault { kind: FaultKind::Request, message: sentence.to_owned() };
    say(&browser, TrainEvent::Fault(fault));
    shown(&browser, sentence);
    browser.press("Dismiss");

    // Pasted text, with emoji and without a final newline.
    browser.click("input[value=own]");
    browser.fill("#pasted", "A cat 🐈 ran.\n\nA dog 🐕 slept");
    browser.press("Use this text");
    browser.wait("window.asked.at(-1).files[0] === 'pasted.txt'");
    let own = Text::Own { name: "Pasted text".to_owned() };
    assert_eq!(browser.eval("window.asked.at(-1).command.Prepare.plan.text"), json!(own));
    say(&browser, corpus());
    say(&browser, ready(&plan(), 0));
    shown(&browser, "3,000 stories");
    browser.check_access("training, own text");
    browser.pictures("training-own");

    // A stored training is offered; all keys are there, with their reasons.
    say(&browser, TrainEvent::Kept(Some(kept(130))));
    shown(&browser, "A training is stored in this browser: step 130 of 400, with a loss of 3.21.");
    browser.click(".train .advanced > summary");
    browser.wait("document.querySelectorAll('.train .setting').length > 40");
    browser.check_access("training, keys");
    browser.pictures("training-keys");
    browser.press("Go on with it");
    asked(&browser, "Restore");
    say(&browser, corpus());
    say(&browser, TrainEvent::Records(records(0, 130)));
    // It has settings of its own, and its slider begins in the middle.
    let changes = ["model.n_embd=64", "optimizer.lr=0.001"].map(str::to_owned).into();
    let stored = Plan { changes, ..plan() };
    say(&browser, ready(&stored, 130));
    shown(&browser, "Step 130 of 400");
    shown(&browser, "100 red balls");
    browser.wait(&format!("document.querySelector({RATE:?}).ariaValueText === '0.001'"));
    assert_eq!(browser.eval(&format!("document.querySelector({RATE:?}).value")), "0");

    // The engine's end is no end of the training.
    browser.press("Go on");
    asked(&browser, "Go");
    let lost = Fault { kind: FaultKind::DeviceLost, message: "The GPU was taken away.".to_owned() };
    say(&browser, TrainEvent::Fault(lost));
    shown(&browser, "The GPU was taken away.");
    say(&browser, TrainEvent::Kept(Some(kept(130))));
    browser.press("Go on with it on the CPU");
    assert_eq!(asked(&browser, "Restore")["Restore"]["compute"], "Cpu");

    // Back leads to the writing, Forward to the training.
    browser.click(".modes a");
    browser.wait("!!document.querySelector('main:not([hidden]) .composer')");
    browser.eval("history.back() ?? true");
    browser.wait("!!document.querySelector('main.train:not([hidden])')");
}
