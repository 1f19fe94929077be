//! Export: video, picture, trace, link, text.

use js_sys::{Object, Promise, Reflect};
use leptos::prelude::*;
use leptos::task::spawn_local;
use plot::theme::Theme;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Clipboard, HtmlElement, HtmlTextAreaElement};

use super::filming::{Complaint, FilmButton, Filming, best_format};
use super::{edit_command, prefers};
use crate::picture::{
    Format, Look, Order, Shape, Subject, Tempo, animation, film, save_text, still,
};
use crate::state::{App, Underline};

/// The export panel.
#[component]
pub(super) fn Keep() -> impl IntoView {
    let app = App::get();
    // None is a GIF.
    let format = RwSignal::new(Some(Format::Webm));
    spawn_local(async move {
        format.try_set(Some(best_format().await));
    });
    let shape = RwSignal::new(Shape::Wide);
    let filming = Filming::new();
    let record = move || {
        let Some(trace) = app.with_shown_untracked(|branch, _| branch.trace.clone()) else {
            return;
        };
        let (format, shape) = (format.get_untracked(), shape.get_untracked());
        filming.video(app, async move |pace, progress: &dyn Fn(f64) -> bool| {
            let blob = match format {
                Some(format) => {
                    let subject = Subject::One(&trace);
                    film(subject, Tempo::steps(pace), format, shape, look(app), progress).await
                }
                None => animation(Order::new(trace, pace, shape, look(app)), progress).await,
            };
            Ok((blob?, format!("cinnabar.{}", format.map_or("gif", Format::extension))))
        });
    };
    let picture = move |_| {
        let shown = app.with_shown_untracked(|branch, head| (branch.trace.clone(), head));
        let Some((trace, head)) = shown else { return };
        let shape = shape.get_untracked();
        filming.picture(format!("cinnabar-step-{head}.png"), async move {
            still(Subject::One(&trace), head, shape, look(app)).await
        });
    };
    let trace = move |_| {
        if let Some(json) = app.with_shown_untracked(|branch, _| branch.trace.to_json()) {
            save_text(&json, "application/json", "cinnabar-trace.json");
        }
    };
    let replay = move |_| {
        if let Some(html) = app.with_shown_untracked(|branch, _| plot::replay::html(&branch.trace))
        {
            save_text(&html, "text/html", "cinnabar.html");
        }
    };
    let link = move |_| copy(app, app.share_address(), "The link is copied.");
    let text = move |_| {
        if let Some(text) = app.with_shown_untracked(|branch, head| branch.trace.text(head)) {
            copy(app, text, "The text is copied.");
        }
    };
    view! {
        <section class="panel keep" aria-labelledby="keep-title">
            <h2 id="keep-title">"Keep and share"</h2>
            <div class="pair">
                <label class="control">
                    <span class="label">"Format"</span>
                    <select
                        class="field" id="format"
                        on:change=move |event| {
                            format.set(match event_target_value(&event).as_str() {
                                "mp4" => Some(Format::Mp4),
                                "webm" => Some(Format::Webm),
                                _ => None,
                            });
                        }
                    >
                        <option value="mp4" selected=move || format.get() == Some(Format::Mp4)>"MP4"</option>
                        <option value="webm" selected=move || format.get() == Some(Format::Webm)>"WebM"</option>
                        <option value="gif" selected=move || format.get().is_none()>"GIF"</option>
                    </select>
                </label>
                <label class="control">
                    <span class="label">"Shape"</span>
                    <select
                        class="field" id="shape"
                        on:change=move |event| {
                            shape.set(if event_target_value(&event) == "square" { Shape::Square } else { Shape::Wide });
                        }
                    >
                        <option value="wide">"1280 × 720"</option>
                        <option value="square">"1080 × 1080"</option>
                    </select>
                </label>
            </div>
            <FilmButton filming=filming label="Save video" class="small wide" disabled=false record=record />
            <div class="tools">
                <button class="small" on:click=picture>"Save picture"</button>
                <button class="small" on:click=trace>"Save trace"</button>
                <button class="small" on:click=replay title="One file that plays the text in any browser, without network">
                    "Save as web page"
                </button>
                <button class="small" on:click=link>"Copy link"</button>
                <button class="small" on:click=text>"Copy text"</button>
                {can_share().then(|| view! {
                    <button class="small" on:click=move |_| share(app)>"Share…"</button>
                })}
            </div>
            <Complaint filming=filming />
            <Show when=move || app.edited_beyond_link()>
                <p class="note">"The link leads to the text without your changes. A saved trace holds them: open it here again at the foot of the page."</p>
            </Show>
        </section>
    }
}

/// Pictures use the theme of the page.
pub(super) fn look(app: App) -> Look {
    let theme = if prefers("color-scheme: dark") { Theme::Dark } else { Theme::Light };
    Look { theme, confidence: app.lines.get_untracked() == Underline::Confidence }
}

pub(super) fn copy(app: App, text: String, done: &'static str) {
    spawn_local(async move {
        if put_on_clipboard(&text).await {
            app.tell(done);
        } else {
            app.tell(
                "The browser does not let this page copy: select the text, or take the link from the address bar.",
            );
        }
    });
}

/// Copies a text. Pages without https have no clipboard of their own: there the old way is taken,
/// by a field whose text is selected.
async fn put_on_clipboard(text: &str) -> bool {
    let navigator = window().navigator();
    if let Ok(clipboard) = Reflect::get(&navigator, &"clipboard".into())
        && let Ok(clipboard) = clipboard.dyn_into::<Clipboard>()
        && JsFuture::from(clipboard.write_text(text)).await.is_ok()
    {
        return true;
    }
    select_and_copy(text).unwrap_or(false)
}

fn select_and_copy(text: &str) -> Result<bool, JsValue> {
    let document = document();
    let focused = document.active_element();
    let field: HtmlTextAreaElement = document.create_element("textarea")?.dyn_into()?;
    field.set_class_name("visually-hidden");
    field.set_value(text);
    document.body().ok_or(JsValue::UNDEFINED)?.append_child(&field)?;
    field.select();
    let copied = edit_command("copy", "");
    field.remove();
    if let Some(focused) = focused.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        focused.focus()?;
    }
    Ok(copied)
}

#[wasm_bindgen]
extern "C" {
    /// `navigator` where the device has a sheet for sharing, as phones have.
    type Sharing;

    #[wasm_bindgen(method, catch)]
    fn share(this: &Sharing, data: &Object) -> Result<Promise, JsValue>;
}

/// Whether the device has a sheet for sharing.
fn can_share() -> bool {
    Reflect::has(&window().navigator(), &"share".into()).unwrap_or(false)
}

/// Opens the device's sheet with the link and the text.
fn share(app: App) {
    let text = app.with_shown_untracked(|branch, head| branch.trace.text(head)).unwrap_or_default();
    let data = Object::new();
    for (name, value) in [("title", "Cinnabar"), ("text", &text), ("url", &app.share_address())] {
        // Fails only for objects that are frozen.
        let _ = Reflect::set(&data, &name.into(), &value.into());
    }
    let navigator = window().navigator();
    let sharing = navigator.unchecked_ref::<Sharing>().share(&data);
    spawn_local(async move {
        if let Ok(sharing) = sharing {
            // Who closes the sheet has shared nothing: no fault.
            let _ = JsFuture::from(sharing).await;
        }
    });
}
