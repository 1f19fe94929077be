//! Frame-exact video encoding with WebCodecs, faster than real time.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use js_sys::{Object, Promise, Reflect, Uint8Array};
use plot::draw::Size;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlCanvasElement};

use super::format::{BITS_PER_SECOND, Format, Picture, RATE};
use super::{mp4, webm};

/// Frames between key frames.
const KEY_EVERY: u32 = 60;
/// Most frames in the encoder's queue.
const QUEUE: u32 = 6;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Object)]
    type VideoEncoder;
    #[wasm_bindgen(constructor, catch)]
    fn new(init: &Object) -> Result<VideoEncoder, JsValue>;
    #[wasm_bindgen(static_method_of = VideoEncoder, js_name = isConfigSupported, catch)]
    fn is_config_supported(config: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn configure(this: &VideoEncoder, config: &Object) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn encode(this: &VideoEncoder, frame: &VideoFrame, options: &Object) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn flush(this: &VideoEncoder) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn close(this: &VideoEncoder) -> Result<(), JsValue>;
    #[wasm_bindgen(method, getter, js_name = encodeQueueSize)]
    fn queue_size(this: &VideoEncoder) -> u32;

    type VideoFrame;
    #[wasm_bindgen(constructor, catch)]
    fn of_canvas(canvas: &HtmlCanvasElement, init: &Object) -> Result<VideoFrame, JsValue>;
    #[wasm_bindgen(method, js_name = close)]
    fn release(this: &VideoFrame);

    type EncodedVideoChunk;
    #[wasm_bindgen(method, getter, js_name = byteLength)]
    fn byte_length(this: &EncodedVideoChunk) -> u32;
    #[wasm_bindgen(method, getter, js_name = type)]
    fn kind(this: &EncodedVideoChunk) -> String;
    #[wasm_bindgen(method, js_name = copyTo, catch)]
    fn copy_to(this: &EncodedVideoChunk, target: &Uint8Array) -> Result<(), JsValue>;
}

/// A configuration that the browser supports.
#[derive(Debug)]
pub(super) struct Encoder {
    format: Format,
    codec: &'static str,
    config: Object,
    size: Size,
}

/// Output of the encoder.
#[derive(Debug, Default)]
struct Output {
    pictures: Vec<Picture>,
    description: Option<Vec<u8>>,
    error: Option<String>,
}

impl Encoder {
    /// An encoder for this format, if the browser has one.
    pub(super) async fn new(format: Format, size: Size) -> Option<Self> {
        if !Reflect::has(&js_sys::global(), &"VideoEncoder".into()).unwrap_or(false) {
            return None;
        }
        let codecs: &[&'static str] = match format {
            Format::Webm => &["vp09.00.40.08", "vp8"],
            Format::Mp4 => &["avc1.640028", "avc1.4d0028", "avc1.42e028"],
        };
        for codec in codecs {
            let config = object(&[
                ("codec", (*codec).into()),
                ("width", size.width.into()),
                ("height", size.height.into()),
                ("bitrate", BITS_PER_SECOND.into()),
                ("framerate", RATE.into()),
            ]);
            if format == Format::Mp4 {
                set(&config, "avc", &object(&[("format", "avc".into())]));
            }
            if supported(&config).await {
                return Some(Self { format, codec, config, size });
            }
        }
        None
    }

    /// Encodes `count` frames, each drawn on the canvas by `paint`.
    pub(super) async fn encode(
        self,
        canvas: &HtmlCanvasElement,
        count: u32,
        paint: &dyn Fn(u32),
        progress: &dyn Fn(f64) -> bool,
    ) -> Result<Blob, String> {
        let output = Rc::new(RefCell::new(Output::default()));
        let on_chunk = {
            let output = Rc::clone(&output);
            Closure::<dyn FnMut(EncodedVideoChunk, JsValue)>::new(move |chunk, metadata| {
                take(&mut output.borrow_mut(), &chunk, &metadata);
            })
        };
        let on_error = {
            let output = Rc::clone(&output);
            Closure::<dyn FnMut(JsValue)>::new(move |error: JsValue| {
                output.borrow_mut().error = Some(format!("{error:?}"));
            })
        };
        let failed = |error: JsValue| {
            log::error!("video: {error:?}");
            "The browser's video encoder gave up. Choose another format.".to_owned()
        };
        let init =
            object(&[("output", on_chunk.as_ref().clone()), ("error", on_error.as_ref().clone())]);
        let encoder = VideoEncoder::new(&init).map_err(failed)?;
        encoder.configure(&self.config).map_err(failed)?;
        for index in 0..count {
            if !progress(f64::from(index) / f64::from(count)) {
                // The result is discarded.
                let _ = encoder.close();
                return Err(String::new());
            }
            paint(index);
            let microseconds = |index: u32| f64::from(index) * 1e6 / f64::from(RATE);
            let timing = object(&[
                ("timestamp", microseconds(index).round().into()),
                ("duration", microseconds(1).round().into()),
            ]);
            let frame = VideoFrame::of_canvas(canvas, &timing).map_err(failed)?;
            let key = object(&[("keyFrame", index.is_multiple_of(KEY_EVERY).into())]);
            let encoded = encoder.encode(&frame, &key);
            frame.release();
            encoded.map_err(failed)?;
            // Keeps the page responsive.
            TimeoutFuture::new(0).await;
            while encoder.queue_size() > QUEUE {
                TimeoutFuture::new(4).await;
            }
        }
        JsFuture::from(encoder.flush().map_err(failed)?).await.map_err(failed)?;
        encoder.close().map_err(failed)?;
        let Output { pictures, description, error } = output.take();
        if let Some(error) = error {
            return Err(failed(error.into()));
        }
        let (file, kind) = match self.format {
            Format::Webm => (webm::file(&pictures, self.codec, self.size, RATE), "video/webm"),
            Format::Mp4 => {
                let description = description
                    .ok_or("The browser's encoder did not describe its video; choose WebM.")?;
                (mp4::file(&pictures, &description, self.size, RATE), "video/mp4")
            }
        };
        let options = BlobPropertyBag::new();
        options.set_type(kind);
        let parts = js_sys::Array::of1(&Uint8Array::from(file.as_slice()));
        Blob::new_with_u8_array_sequence_and_options(&parts, &options).map_err(failed)
    }
}

async fn supported(config: &Object) -> bool {
    let Ok(promise) = VideoEncoder::is_config_supported(config) else { return false };
    let Ok(answer) = JsFuture::from(promise).await else { return false };
    Reflect::get(&answer, &"supported".into()).is_ok_and(|value| value.is_truthy())
}

fn take(output: &mut Output, chunk: &EncodedVideoChunk, metadata: &JsValue) {
    let bytes = Uint8Array::new_with_length(chunk.byte_length());
    if let Err(error) = chunk.copy_to(&bytes) {
        output.error = Some(format!("{error:?}"));
        return;
    }
    output.pictures.push(Picture { bytes: bytes.to_vec(), key: chunk.kind() == "key" });
    let get = |object: &JsValue, name: &str| {
        Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
    };
    let description = get(&get(metadata, "decoderConfig"), "description");
    if description.is_object() {
        // An ArrayBuffer, or a view of one.
        let buffer = get(&description, "buffer");
        let bytes = if buffer.is_object() {
            let number = |name| get(&description, name).as_f64().unwrap_or(0.0) as u32;
            Uint8Array::new_with_byte_offset_and_length(
                &buffer,
                number("byteOffset"),
                number("byteLength"),
            )
        } else {
            Uint8Array::new(&description)
        };
        output.description = Some(bytes.to_vec());
    }
}

fn object(fields: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    fields.iter().for_each(|(name, value)| set(&object, name, value));
    object
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // Cannot fail on a plain object.
    let _: Result<bool, JsValue> = Reflect::set(object, &name.into(), value);
}
