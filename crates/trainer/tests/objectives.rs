//! The objectives from end to end: training, evaluation and writing of each, and what bad input gets.

mod support;

use std::fs;
use std::process::Command;

use serde_json::Value;
use support::{Place, fail, logged, succeed, trainer};

const AUTOREGRESSIVE: [&str; 4] =
    ["--set", "objective=autoregressive", "--set", "timestep_embedding=false"];

const BLOCKS: [&str; 4] = ["--set", "objective=block", "--set", "diffusion.block=4"];

fn on_run(place: &Place, command: &str, run: &str, more: &[&str]) -> Command {
    let mut program = trainer();
    program.arg(command).arg("--checkpoint").arg(place.path(run)).args(["--device", "cpu"]);
    program.args(more);
    program
}

#[test]
fn each_objective_is_trained_measured_and_written_with() {
    let place = Place::new();
    let set = |objective: &str| ["--set".to_owned(), format!("objective={objective}")];
    for objective in ["masked", "span", "uniform", "replaced"] {
        succeed(place.train(objective, &["--steps", "200"]).args(set(objective)));
    }
    succeed(place.train("block", &["--steps", "200"]).args(BLOCKS));
    succeed(place.train("autoregressive", &["--steps", "200"]).args(AUTOREGRESSIVE));

    let data = place.path("stories.txt");
    let mut eval = trainer();
    eval.arg("eval").arg("--data").arg(&data).args(["--device", "cpu", "--batches", "4", "--json"]);
    let runs = ["masked", "span", "block", "autoregressive", "uniform", "replaced"];
    for run in runs {
        eval.arg("--checkpoint").arg(place.path(run));
        // Evaluations of the training say how exact they are.
        let log = place.log(run);
        let bits = logged(&log, "evaluation", "bits_per_byte");
        let errors = logged(&log, "evaluation", "bits_per_byte_error");
        let number = |value: &Value| value.as_f64().expect("a number");
        for (bits, error) in bits.iter().zip(&errors) {
            let (bits, error) = (number(bits), number(error));
            assert!(error > 0.0 && error < 0.5 * bits, "{run}: {bits} +- {error}");
        }
        let (first, last) = (number(&bits[1]), number(bits.last().expect("evaluations")));
        assert!(last < 0.7 * first, "{run}: {first}, then {last} bits per byte");
    }
    let reports: Value = serde_json::from_str(&succeed(&mut eval)).expect("JSON");
    for (report, run) in reports.as_array().expect("reports").iter().zip(runs) {
        assert_eq!(report["objective"], if run == "block" { "block:4" } else { run });
        let number = |key: &str| report[key].as_f64().expect("a number");
        assert!(number("bits_per_byte_error") < 0.2 * number("bits_per_byte"), "{report}");
        let entropies = report["entropy_per_timestep"].as_array().map(Vec::len);
        assert_eq!(entropies, Some(if run == "autoregressive" { 1 } else { 10 }));
    }
    // Knowing what stands before is enough in stories as regular as these.
    let bits = |i: usize| reports[i]["bits_per_byte"].as_f64().expect("a number");
    assert!(bits(3) < bits(0), "{reports}");

    let trace = place.path("trace.json");
    let trace = trace.to_str().expect("a path in UTF-8");
    let flags = ["--prompt", "Tom had", "--gen-len", "8", "--temperature", "0", "--trace", trace];
    let text = succeed(&mut on_run(&place, "sample", "autoregressive", &flags));
    assert!(text.starts_with("Tom had"), "{text}");
    let trace: Value = serde_json::from_slice(&fs::read(trace).expect("a trace")).expect("JSON");
    assert_eq!(trace["sampler"], "left-to-right");
    let frames = trace["frames"].as_array().expect("frames");
    let mask = &trace["mask_id"];
    let masks = |frame: &Value| {
        frame["ids"].as_array().expect("ids").iter().filter(|id| *id == mask).count()
    };
    let masks: Vec<_> = frames.iter().map(masks).collect();
    assert_eq!(masks, Vec::from_iter((0..=8).rev()), "one token a frame");

    // A text of uniform diffusion begins as random words and has no masks; what is given stays.
    let uniform = place.path("uniform.json");
    let uniform = uniform.to_str().expect("a path in UTF-8");
    for run in ["uniform", "replaced"] {
        let flags = ["--prompt", "Tom [MASK:6] the", "--gen-len", "4", "--trace", uniform];
        let text = succeed(&mut on_run(&place, "sample", run, &flags));
        assert!(text.starts_with("Tom") && text.contains(" the"), "{text}");
        let trace: Value =
            serde_json::from_slice(&fs::read(uniform).expect("a trace")).expect("JSON");
        assert_eq!(trace["sampler"], "uniform");
        let frames = trace["frames"].as_array().expect("frames");
        assert_eq!(frames.len(), 11, "a frame for each time");
        let ids = |frame: &Value| frame["ids"].as_array().expect("ids").clone();
        assert!(frames.iter().all(|frame| !ids(frame).contains(&trace["mask_id"])));
        assert_ne!(ids(&frames[0]), ids(&frames[10]));
        let page = place.path("uniform.html");
        let picture = place.path("uniform.gif");
        let mut render = trainer();
        render.arg("render").arg(uniform).arg("--html").arg(&page).arg("--gif").arg(&picture);
        succeed(&mut render);
        assert!(page.is_file() && picture.is_file());
    }
    let flags = ["--sampler", "maskgit"];
    fail(&mut on_run(&place, "sample", "uniform", &flags), &["needs masks", "sampler `uniform`"]);
    let flags = ["--sampler", "uniform"];
    fail(&mut on_run(&place, "sample", "masked", &flags), &["which the model has never seen"]);

    // The same seed, the same text; and a masked model writes from left to right, too.
    let flags =
        ["--prompt", "Tom", "--gen-len", "8", "--top-k", "5", "--top-p", "0.9", "--seed", "3"];
    let [one, again] =
        [(); 2].map(|()| succeed(&mut on_run(&place, "sample", "autoregressive", &flags)));
    assert_eq!(one, again);
    let flags = ["--prompt", "Tom", "--gen-len", "8", "--sampler", "left-to-right"];
    succeed(&mut on_run(&place, "sample", "masked", &flags));

    let sample = |more: &[&str]| on_run(&place, "sample", "autoregressive", more);
    fail(
        &mut sample(&["--prompt", "Tom [MASK:3] home."]),
        &["the model is autoregressive", "cannot fill one before given text"],
    );
    fail(
        &mut sample(&["--sampler", "maskgit"]),
        &["the model is autoregressive", "`maskgit`", "use the sampler `left-to-right`"],
    );
    fail(&mut sample(&["--steps", "4"]), &["takes as many steps as the text needs"]);

    // Blocks go on beyond the 16 tokens of the context, with any sampler.
    let sample = |more: &[&str]| on_run(&place, "sample", "block", more);
    let flags = ["--prompt", "Tom had", "--gen-len", "60", "--stop-at-end=false", "--seed", "3"];
    let [one, again] = [(); 2].map(|()| succeed(&mut sample(&flags)));
    assert!(one.starts_with("Tom had") && one.len() > 100, "{one}");
    assert_eq!(one, again);
    for sampler in ["ancestral", "threshold", "seed", "maskgit+blocks:2"] {
        succeed(&mut sample(&["--sampler", sampler, "--gen-len", "20"]));
    }
    fail(
        &mut sample(&["--prompt", "Tom [MASK:3] a ball and a cat and a tree."]),
        &["does not see given text in a block behind a gap", "put the gap at the end"],
    );
    fail(&mut sample(&["--sampler", "maskgit+blocks:3"]), &["blocks of 3 do not divide"]);
    fail(&mut sample(&["--gen-len", "20000"]), &["the model's block holds 16384"]);

    let resume = |run: &str, change: &str| {
        let mut command = place.train(run, &["--resume", "--set", change]);
        command.args(["--steps", "300"]);
        command
    };
    let other = &["`diffusion.objective` is \"span\" in this run"];
    fail(&mut resume("span", "objective=masked"), other);
    let other = ["`diffusion.block` is 4 in this run", "learned to write blocks of this length"];
    fail(&mut resume("block", "diffusion.block=8"), &other);
}

#[test]
fn texts_are_read_in_any_order_that_a_model_knows() {
    let place = Place::new();
    succeed(&mut place.train("masked", &["--steps", "200"]));
    succeed(place.train("block", &["--steps", "200"]).args(BLOCKS));
    succeed(place.train("autoregressive", &["--steps", "50"]).args(AUTOREGRESSIVE));
    succeed(&mut place.train("uniform", &["--steps", "1", "--set", "objective=uniform"]));
    let data = place.path("stories.txt");
    let eval = |runs: &[&str], order: &str, json: bool| {
        let mut eval = trainer();
        eval.arg("eval").arg("--data").arg(&data).args(["--device", "cpu", "--batches", "4"]);
        runs.iter().for_each(|run| {
            eval.arg("--checkpoint").arg(place.path(run));
        });
        eval.args(["--order", order]).args(json.then_some("--json"));
        eval
    };
    for order in ["left-to-right", "confidence", "random"] {
        let printed = succeed(&mut eval(&["masked", "block"], order, true));
        let reports: Value = serde_json::from_str(&printed).expect("JSON");
        for report in reports.as_array().expect("reports") {
            let chain = &report["chain_rule"];
            assert_eq!(chain["order"], order);
            let number = |value: &Value| value.as_f64().expect("a number");
            let [bits, error] =
                ["bits_per_byte", "bits_per_byte_error"].map(|key| number(&chain[key]));
            let [bound, scatter] =
                ["bits_per_byte", "bits_per_byte_error"].map(|key| number(&report[key]));
            assert!(error > 0.0 && error < 0.1 * bits, "{report}");
            // In the mean over all orders the chain rule gives the bound.
            let apart = (bits - bound).abs();
            assert!(apart < 4.0 * scatter.hypot(error) + 0.15 * bound, "{report}");
        }
    }
    let printed = succeed(&mut eval(&["autoregressive"], "left-to-right", true));
    let report = &serde_json::from_str::<Value>(&printed).expect("JSON")[0];
    let apart =
        report["bits_per_byte"].as_f64().zip(report["chain_rule"]["bits_per_byte"].as_f64());
    assert!(apart.is_some_and(|(a, b)| (a - b).abs() < 1e-9), "{report}");
    let table = succeed(&mut eval(&["autoregressive", "block"], "left-to-right", false));
    assert!(table.contains("bits per byte, left-to-right"), "{table}");

    let only = ["reads left to right only, not in the order `confidence`"];
    fail(&mut eval(&["autoregressive"], "confidence", false), &only);
    let none = ["a model of the objective `uniform`", "only its bound can be measured"];
    fail(&mut eval(&["uniform"], "random", false), &none);
}

/// Windows of stories and dropout go with every objective, opposite masks with those that have one mask.
#[test]
fn windows_masks_and_dropout_are_settings_of_every_objective() {
    let place = Place::new();
    let noisy = ["--steps", "10", "--set", "story_starts=0.5", "--set", "dropout=0.2"];
    for objective in ["masked", "span", "uniform", "replaced"] {
        let pairs = ["--set".to_owned(), format!("objective={objective}")];
        let mut train = place.train(objective, &noisy);
        succeed(train.args(pairs).args(["--set", "complementary=0.5"]));
    }
    succeed(place.train("block", &noisy).args(BLOCKS));
    succeed(place.train("autoregressive", &noisy).args(AUTOREGRESSIVE));
    let pairs = ["does not draw one mask for a whole text", "set diffusion.complementary to 0"];
    for set in [BLOCKS, AUTOREGRESSIVE] {
        fail(place.train("refused", &["--set", "complementary=0.5"]).args(set), &pairs);
    }
}

#[test]
fn objectives_that_cannot_be_get_a_sentence() {
    let place = Place::new();
    fail(
        &mut place.train("run", &["--set", "objective=hinted"]),
        &["unknown variant `hinted`", "`autoregressive`", "diffusion.objective"],
    );
    fail(
        &mut place.train("run", &AUTOREGRESSIVE[..2]),
        &["`autoregressive` has no time to tell the network", "timestep_embedding to false"],
    );
    fail(&mut place.train("run", &["--set", "span_length=0"]), &["diffusion.span_length is 0"]);
    fail(
        place.train("run", &BLOCKS[..2]).args(["--set", "diffusion.block=5"]),
        &["blocks of 5 tokens do not divide the 16 tokens", "a divisor of model.block_size"],
    );
    for (changes, part) in [
        (["weighting=heavy", "objective=masked"], "expected one of `mean`, `elbo`, `llada`"),
        (["weighting=llada", "times=beta"], "set diffusion.times to \"uniform\""),
    ] {
        let changes = changes.iter().flat_map(|change| ["--set", *change]);
        fail(place.train("run", &[]).args(changes), &[part]);
    }
    fail(
        &mut place.train("run", &["--set", "objective=uniform", "--set", "weighting=elbo"]),
        &["`elbo` is about masked tokens", "the objective `uniform` has none"],
    );
    let weighted = [&AUTOREGRESSIVE[..], &["--set", "weighting=elbo"]].concat();
    fail(&mut place.train("run", &weighted), &["`elbo` is about masked tokens"]);
    assert!(!place.path("run").exists());
}
