//! The reader for documents: the course, learning.md, model cards, licences.

use leptos::html::{Dialog, Div};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent};

use crate::markdown::{self, Block, Span};
use crate::remote::{self, Missing, resolve};
use crate::state::{App, Reading};

/// URL of the course, relative to the page.
pub(super) const COURSE: &str = "learning.md";

/// Attribute of the shown text that names its file.
const FILE: &str = "data-file";

/// A dialog with the document in [`App::reading`], opened at its chapter.
#[component]
pub(super) fn Reader() -> impl IntoView {
    let app = App::get();
    let dialog = NodeRef::<Dialog>::new();
    let body = NodeRef::<Div>::new();
    Effect::new(move |_| {
        let Some(Reading { file, anchor }) = app.reading.get() else { return };
        let (Some(dialog), Some(body)) = (dialog.get_untracked(), body.get_untracked()) else {
            return;
        };
        // Fails if it is already open.
        let _ = dialog.show_modal();
        let body: Element = body.unchecked_into();
        spawn_local(async move {
            if body.get_attribute(FILE).as_ref() != Some(&file) {
                load(&body, &file).await;
            }
            go_to(&body, &anchor);
        });
    });
    // Links between chapters scroll inside the dialog.
    let follow = move |event: MouseEvent| {
        let target: Option<Element> = event.target().and_then(|target| target.dyn_into().ok());
        let link = target.and_then(|element| element.closest("a[href^='#']").ok().flatten());
        if let (Some(link), Some(body)) = (link, body.get_untracked()) {
            event.prevent_default();
            let to = link.get_attribute("href").unwrap_or_default();
            go_to(&body.unchecked_into(), to.trim_start_matches('#'));
        }
    };
    let title = move || {
        let file = app.reading.get().map_or_else(String::new, |reading| reading.file);
        match file.rsplit('/').next() {
            Some(COURSE) => "How it works",
            Some("README.md") => "Model card",
            _ => "Licence",
        }
    };
    view! {
        <dialog
            class="reader"
            aria-label=title
            node_ref=dialog
            on:close=move |_| app.reading.set(None)
            on:keydown=|event| event.stop_propagation()
        >
            <form method="dialog" class="reader-head">
                <p class="wordmark">{title}</p>
                <button class="small">"Close"</button>
            </form>
            <div class="course" tabindex="0" role="document" node_ref=body on:click=follow></div>
        </dialog>
    }
}

/// A link to a document, which opens in the reader.
#[component]
pub(super) fn DocumentLink(
    file: String,
    #[prop(default = "")] anchor: &'static str,
    text: &'static str,
) -> impl IntoView {
    let app = App::get();
    let href = if anchor.is_empty() { file.clone() } else { format!("{file}#{anchor}") };
    view! {
        <a
            href=href
            on:click=move |event| {
                event.prevent_default();
                app.reading.set(Some(Reading { file: file.clone(), anchor: anchor.to_owned() }));
            }
        >
            {text}
        </a>
    }
}

/// Shows a document in the place of what was shown, or says why not.
async fn load(body: &Element, file: &str) {
    body.set_text_content(None);
    // The name is valid, so neither can fail.
    let _ = body.remove_attribute(FILE);
    match remote::text(file).await {
        Ok(text) => {
            let base = document().base_uri().ok().flatten().unwrap_or_default();
            let base = resolve(file, &base);
            markdown::read(&text).iter().for_each(|block| add(body, block, &base));
            let _ = body.set_attribute(FILE, file);
        }
        Err(missing) => body.set_text_content(Some(match missing {
            Missing::Unreachable => "The text cannot be loaded: the server does not answer.",
            Missing::Refused(_) => "The text is missing on this server.",
        })),
    }
}

/// Scrolls to the heading with this anchor.
fn go_to(body: &Element, anchor: &str) {
    let headings = body.query_selector_all("[data-anchor]").ok();
    let found = headings.and_then(|headings| {
        (0..headings.length())
            .filter_map(|i| headings.get(i)?.dyn_into::<HtmlElement>().ok())
            .find(|heading| heading.get_attribute("data-anchor").as_deref() == Some(anchor))
    });
    match found {
        Some(heading) => heading.scroll_into_view(),
        None => body.set_scroll_top(0),
    }
}

/// Adds a block of the document at the address `base`.
fn add(parent: &Element, block: &Block, base: &str) {
    let spans = |parent: Option<Element>, all: &[Span]| spans(parent.as_ref(), all, base);
    match block {
        Block::Heading(level, anchor, text) => {
            // The page itself has the only h1.
            let heading = inside(parent, &format!("h{}", (level + 1).min(6)));
            if let Some(heading) = &heading {
                // The name is valid, so this cannot fail.
                let _ = heading.set_attribute("data-anchor", anchor);
            }
            spans(heading, text);
        }
        Block::Paragraph(text) => spans(inside(parent, "p"), text),
        Block::Code(code) => {
            if let Some(pre) = inside(parent, "pre") {
                pre.set_text_content(Some(code));
                let _ = pre.set_attribute("tabindex", "0");
            }
        }
        Block::List { numbered, items } => {
            let Some(list) = inside(parent, if *numbered { "ol" } else { "ul" }) else { return };
            items.iter().for_each(|item| spans(inside(&list, "li"), item));
        }
        Block::Table(rows) => {
            let Some(table) = inside(parent, "table") else { return };
            for (i, cells) in rows.iter().enumerate() {
                let Some(row) = inside(&table, "tr") else { return };
                let cell = if i == 0 { "th" } else { "td" };
                cells.iter().for_each(|text| spans(inside(&row, cell), text));
            }
        }
        Block::Quote(blocks) => {
            let Some(quote) = inside(parent, "blockquote") else { return };
            blocks.iter().for_each(|block| add(&quote, block, base));
        }
    }
}

/// A new element at the end of `parent`.
fn inside(parent: &Element, name: &str) -> Option<Element> {
    let element = document().create_element(name).ok()?;
    parent.append_child(&element).ok()?;
    Some(element)
}

/// Adds inline elements of the document at the address `base`.
fn spans(parent: Option<&Element>, spans: &[Span], base: &str) {
    let Some(parent) = parent else { return };
    for span in spans {
        let (name, inner) = match span {
            Span::Text(text) => {
                // Appending a text node cannot fail.
                let _ = parent.append_with_str_1(text);
                continue;
            }
            Span::Code(code) => {
                if let Some(element) = inside(parent, "code") {
                    element.set_text_content(Some(code));
                }
                continue;
            }
            Span::Picture(about, file) => {
                if let Some(picture) = inside(parent, "img") {
                    for (name, value) in [("alt", about), ("src", &resolve(file, base))] {
                        let _ = picture.set_attribute(name, value);
                    }
                }
                continue;
            }
            Span::Strong(inner) => ("strong", inner),
            Span::Emphasis(inner) => ("em", inner),
            // Files of the repository are not deployed with the page.
            Span::Link(inner, to) if to.starts_with('#') || to.starts_with("https://") => {
                ("a", inner)
            }
            Span::Link(inner, _) => ("span", inner),
        };
        let element = inside(parent, name);
        if let (Some(element), Span::Link(_, to), "a") = (&element, span, name) {
            for (name, value) in [("href", to.as_str()), ("rel", "noreferrer noopener")] {
                let _ = element.set_attribute(name, value);
            }
        }
        self::spans(element.as_ref(), inner, base);
    }
}
