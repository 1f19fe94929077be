//! Recording a canvas while it plays, for browsers without WebCodecs.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobEvent, BlobPropertyBag, HtmlCanvasElement, MediaRecorder, MediaRecorderOptions,
};
use web_time::Instant;

use super::format::{BITS_PER_SECOND, Format, RATE};

/// Names of each format's codecs, best first.
fn types(format: Format) -> &'static [&'static str] {
    match format {
        Format::Webm => &["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"],
        Format::Mp4 => {
            &["video/mp4;codecs=avc1.42E028", "video/mp4;codecs=avc1.42E01E", "video/mp4"]
        }
    }
}

/// The best codecs of a format that this browser records, by name.
fn recorded(format: Format) -> Option<&'static str> {
    if !js_sys::Reflect::has(&js_sys::global(), &"MediaRecorder".into()).unwrap_or(false) {
        return None;
    }
    types(format).iter().copied().find(|kind| MediaRecorder::is_type_supported(kind))
}

/// Whether this browser records a format.
pub(super) fn can_record(format: Format) -> bool {
    recorded(format).is_some()
}

/// Paints `count` pictures at [`RATE`] and records them.
pub(super) async fn record(
    canvas: &HtmlCanvasElement,
    format: Format,
    count: u32,
    paint: &dyn Fn(u32),
    progress: &dyn Fn(f64) -> bool,
) -> Result<Blob, String> {
    let kind = recorded(format)
        .ok_or("This browser makes no videos of this format. Choose another one.")?;
    let failed = |_: JsValue| "The browser could not record the video.".to_owned();
    paint(0);
    let stream = canvas.capture_stream_with_frame_request_rate(RATE.into()).map_err(failed)?;
    let options = MediaRecorderOptions::new();
    options.set_mime_type(kind);
    options.set_video_bits_per_second(BITS_PER_SECOND);
    let recorder =
        MediaRecorder::new_with_media_stream_and_media_recorder_options(&stream, &options)
            .map_err(failed)?;
    let parts = js_sys::Array::new();
    let on_data = {
        let parts = parts.clone();
        Closure::<dyn FnMut(BlobEvent)>::new(move |event: BlobEvent| {
            if let Some(data) = event.data() {
                parts.push(&data);
            }
        })
    };
    recorder.set_ondataavailable(Some(on_data.as_ref().unchecked_ref()));
    let on_stop = Rc::new(RefCell::new(None));
    let stopped = Promise::new(&mut |resolve, _| {
        let closure = Closure::<dyn FnMut()>::new(move || {
            // Resolving a promise cannot fail.
            let _ = resolve.call0(&JsValue::NULL);
        });
        recorder.set_onstop(Some(closure.as_ref().unchecked_ref()));
        *on_stop.borrow_mut() = Some(closure);
    });
    recorder.start().map_err(failed)?;
    let started = Instant::now();
    let mut wanted = true;
    loop {
        let index = (started.elapsed().as_secs_f64() * f64::from(RATE)) as u32;
        if index >= count || !wanted {
            break;
        }
        paint(index);
        wanted = progress(f64::from(index) / f64::from(count));
        TimeoutFuture::new(1000 / RATE / 2).await;
    }
    recorder.stop().map_err(failed)?;
    JsFuture::from(stopped).await.map_err(failed)?;
    if !wanted {
        return Err(String::new());
    }
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    Blob::new_with_blob_sequence_and_options(&parts, &options).map_err(failed)
}
