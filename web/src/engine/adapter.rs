//! The browser's graphics adapter.

use device::{AdapterChoice, Device, Gpu};
use wasm_bindgen::{JsCast, JsValue};

use crate::protocol::{Compute, Fault, OnCpu};

/// Name of the CPU.
pub(super) const CPU: &str = "CPU";

/// Whether this thread has a WebGPU adapter.
pub async fn has_webgpu() -> bool {
    adapter().await.is_some()
}

/// Opens the requested device, and says why it is the CPU if it is.
pub(super) async fn open(compute: Compute) -> Result<(Device, Option<OnCpu>), Fault> {
    let reason = match compute {
        Compute::Cpu => OnCpu::Chosen,
        Compute::Auto | Compute::Gpu if has_webgpu().await => {
            return Ok((Device::Gpu(Box::new(Gpu::open(&AdapterChoice::Hardware).await?)), None));
        }
        _ if get(&js_sys::global(), "isSecureContext") == JsValue::FALSE => OnCpu::Insecure,
        _ if webgpu().is_undefined() => OnCpu::NoWebGpu,
        _ => OnCpu::NoAdapter,
    };
    Ok((Device::cpu(), Some(reason)))
}

/// Name of the adapter; wgpu does not pass it on in browsers.
pub(super) async fn name(device: &Device) -> String {
    if device.gpu().is_none() {
        return CPU.into();
    }
    let info = get(&adapter().await.unwrap_or(JsValue::UNDEFINED), "info");
    let text = |name| get(&info, name).as_string().filter(|text| !text.is_empty());
    let name = text("description").or_else(|| text("device")).or_else(|| {
        let parts: Vec<String> =
            [text("vendor"), text("architecture")].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    });
    name.map_or("WebGPU".into(), |name| format!("{name} (WebGPU)"))
}

/// The browser's preferred adapter.
async fn adapter() -> Option<JsValue> {
    let gpu = webgpu();
    let request: js_sys::Function = get(&gpu, "requestAdapter").dyn_into().ok()?;
    let promise = js_sys::Promise::resolve(&request.call0(&gpu).ok()?);
    let adapter = wasm_bindgen_futures::JsFuture::from(promise).await.ok()?;
    adapter.is_object().then_some(adapter)
}

/// `navigator.gpu`; undefined where the browser has or shows none.
fn webgpu() -> JsValue {
    get(&get(&js_sys::global(), "navigator"), "gpu")
}

fn get(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}
