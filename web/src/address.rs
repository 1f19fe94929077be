//! The share link: what the address holds after `#`, and back.
//!
//! It is a query string, so that people can read and change it. Everything in it is text from a
//! stranger: numbers are clamped to what the controls allow, and the prompt is only ever text.

use crate::made::{self, Made};
use crate::protocol::{Request, Sampler};

/// What a link asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Id of the model, if one is named.
    pub model: Option<String>,
    /// What to write and how.
    pub request: Request,
    /// What a person changed while it was written.
    pub made: Vec<Made>,
}

/// Longest prompt that a link may hold, in bytes.
const LONGEST_PROMPT: usize = 8_000;

/// The part of the address after `#`.
pub fn write(link: &Link) -> String {
    let Request { prompt, length, steps, sampler, temperature, top_k, top_p, seed, stop_at_end } =
        &link.request;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .extend_pairs(link.model.as_ref().map(|model| ("model", model)))
        .append_pair("prompt", prompt)
        .append_pair("length", &length.to_string())
        .append_pair("steps", &steps.to_string())
        .append_pair("sampler", &sampler.to_string())
        .append_pair("temperature", &temperature.to_string())
        .extend_pairs(top_k.map(|k| ("top_k", k.to_string())))
        .extend_pairs(top_p.map(|p| ("top_p", p.to_string())))
        .append_pair("seed", &seed.to_string())
        .append_pair("stop", if *stop_at_end { "1" } else { "0" })
        .extend_pairs((!link.made.is_empty()).then(|| ("edits", made::write(&link.made))))
        .finish()
}

/// What the part of an address after `#` asks for; `None` if it is no share link. What it does not
/// say, or says wrongly, comes from `defaults`.
pub fn read(fragment: &str, defaults: &Request) -> Option<Link> {
    let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
    let mut link = Link { model: model(fragment), request: defaults.clone(), made: vec![] };
    let request = &mut link.request;
    let mut known = false;
    for (name, value) in form_urlencoded::parse(fragment.as_bytes()) {
        let number = || value.parse::<f32>().ok().filter(|number| number.is_finite());
        match &*name {
            "prompt" if value.len() <= LONGEST_PROMPT => {
                request.prompt = value.into_owned();
                known = true;
            }
            "length" => set(&mut request.length, value.parse().ok().map(|n: u32| n.min(4096))),
            "steps" => set(&mut request.steps, value.parse().ok().map(|n: u32| n.clamp(1, 4096))),
            "sampler" => {
                let fits = |sampler: &Sampler| sampler.check().is_ok();
                set(&mut request.sampler, value.parse().ok().filter(fits));
            }
            "temperature" => set(&mut request.temperature, number().map(|t| t.clamp(0.0, 5.0))),
            "top_k" => request.top_k = value.parse().ok().filter(|&k| k > 0),
            "top_p" => request.top_p = number().filter(|&p| p > 0.0 && p < 1.0),
            "seed" => set(&mut request.seed, value.parse().ok()),
            "stop" => request.stop_at_end = value == "1",
            "edits" => link.made = made::read(&value),
            _ => {}
        }
    }
    known.then_some(link)
}

/// The id of the model that an address names, with a text or without.
pub fn model(fragment: &str) -> Option<String> {
    let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
    let mut pairs = form_urlencoded::parse(fragment.as_bytes());
    let (_, id) = pairs.find(|(name, _)| name == "model")?;
    Some(id.into_owned()).filter(|id| is_id(id))
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// Whether a text can be the id of a model.
pub fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::SamplerKind;

    fn request() -> Request {
        Request {
            prompt: String::new(),
            length: 96,
            steps: 50,
            sampler: SamplerKind::Carry.into(),
            temperature: 0.7,
            top_k: None,
            top_p: None,
            seed: 1,
            stop_at_end: true,
        }
    }

    #[test]
    fn a_link_comes_back() {
        let link = Link {
            model: Some("stories-12m".into()),
            request: Request {
                prompt: "A cat & a dög,\n100% [MASK:3] + <b>#?=".into(),
                sampler: SamplerKind::Reference.into(),
                temperature: 0.35,
                top_k: Some(7),
                top_p: Some(0.9),
                seed: u64::MAX,
                stop_at_end: false,
                ..request()
            },
            made: made::read("3.1.7_3.2.e"),
        };
        let written = write(&link);
        assert_eq!(link.made.len(), 2);
        assert!(written.is_ascii() && !written.contains(['<', '#', '"']), "{written}");
        assert_eq!(read(&format!("#{written}"), &request()), Some(link));
    }

    #[test]
    fn links_of_earlier_versions_are_read() {
        // Written when `,`, `!` and `~` were left as they are.
        let link =
            "#prompt=Hi,+you!+~%0A%5BMASK%3A3%5D+%C3%B6&length=5&steps=7&sampler=seed&seed=9";
        let link = read(link, &request()).expect("it has a prompt");
        assert_eq!(link.request.prompt, "Hi, you! ~\n[MASK:3] ö");
        assert_eq!((link.request.length, link.request.steps, link.request.seed), (5, 7, 9));
        assert_eq!(link.request.stop_at_end, request().stop_at_end, "older links do not say");
    }

    #[test]
    fn a_model_is_named_with_and_without_a_text() {
        for (fragment, id) in [
            ("#model=stories-small", Some("stories-small")),
            ("prompt=A+cat&model=stories", Some("stories")),
            ("#model=../x", None),
            ("#model=", None),
            ("#prompt=model", None),
            ("", None),
        ] {
            assert_eq!(model(fragment).as_deref(), id, "{fragment}");
        }
    }

    #[test]
    fn strange_addresses_do_no_harm() {
        let read = |text: &str| read(text, &request());
        assert_eq!(read(""), None);
        assert_eq!(read("#chapter-2"), None);
        assert_eq!(read("#seed=4"), None);
        assert_eq!(read("#model=stories"), None, "there is nothing to write");
        let link =
            read("#prompt=%zz%f&steps=0&length=99999999999&temperature=NaN&seed=-1&model=../x")
                .expect("it has a prompt");
        assert_eq!(link.model, None);
        assert_eq!(link.request.prompt, "%zz%f");
        assert_eq!(link.request.steps, 1);
        assert_eq!(link.request.length, 96, "does not fit a u32: the default");
        assert_eq!((link.request.temperature, link.request.seed), (0.7, 1));
        assert_eq!(read(&format!("#prompt={}", "a".repeat(9000))), None);
    }
}
