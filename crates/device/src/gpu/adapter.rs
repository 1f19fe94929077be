//! Finding an adapter and asking it for a device.

use std::fmt;
#[cfg(not(target_arch = "wasm32"))]
use std::sync::LazyLock;

use crate::{Capabilities, DeviceError, MatrixUnits};

/// Cooperative matrices, as Vulkan and Metal have them.
const MATRICES: wgpu::Features = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX;

/// Which adapter to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The most capable one that is not a software driver.
    Hardware,
    /// The most capable one, software drivers included.
    Any,
    /// The first whose name contains this text, in any case.
    Named(String),
}

/// What is known of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterSummary {
    /// Its name, as the driver gives it.
    pub name: String,
    /// Vulkan, Metal, Dx12 or BrowserWebGpu.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Whether it computes on the CPU.
    pub software: bool,
    /// What it can do.
    pub capabilities: Capabilities,
}

impl AdapterSummary {
    pub(super) fn of(adapter: &wgpu::Adapter, device: &wgpu::Device) -> Self {
        let info = adapter.get_info();
        let (features, limits) = (device.features(), device.limits());
        let fixed = info.subgroup_min_size == info.subgroup_max_size && info.subgroup_min_size > 0;
        let subgroups = features.contains(wgpu::Features::SUBGROUP);
        let name = if info.name.is_empty() { "unnamed adapter".to_owned() } else { info.name };
        Self {
            name,
            backend: format!("{:?}", info.backend),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            software: info.device_type == wgpu::DeviceType::Cpu,
            capabilities: Capabilities {
                subgroup_size: (fixed && subgroups).then_some(info.subgroup_min_size),
                f16: features.contains(wgpu::Features::SHADER_F16),
                matrices: match features.contains(MATRICES) {
                    true => matrix_units(adapter),
                    false => MatrixUnits::default(),
                },
                timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
                max_binding_size: limits.max_storage_buffer_binding_size,
                max_buffer_size: limits.max_buffer_size,
                max_workgroups: limits.max_compute_workgroups_per_dimension,
            },
        }
    }
}

impl fmt::Display for AdapterSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.name, self.backend)?;
        if !self.driver.is_empty() {
            write!(f, ", {}", self.driver)?;
        }
        f.write_str(if self.software { ", software)" } else { ")" })
    }
}

/// One for the process: some drivers do not give back all that an instance takes, and find no
/// adapter after a few dozen.
#[cfg(not(target_arch = "wasm32"))]
static INSTANCE: LazyLock<wgpu::Instance> = LazyLock::new(|| {
    wgpu::Instance::new(wgpu::InstanceDescriptor {
        // Validation layers only when asked for by wgpu's variables: they print to the terminal.
        flags: wgpu::InstanceFlags::empty().with_env(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    })
});

/// The adapter that is meant; of several, number `nth`, beginning again behind the last.
#[cfg(not(target_arch = "wasm32"))]
pub(super) async fn find(choice: &AdapterChoice, nth: usize) -> Result<wgpu::Adapter, DeviceError> {
    let mut adapters = INSTANCE.enumerate_adapters(wgpu::Backends::PRIMARY).await;
    adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    let name = |adapter: &wgpu::Adapter| adapter.get_info().name;
    let names = || adapters.iter().map(name).collect::<Vec<_>>().join(", ");
    let is_meant = |adapter: &&wgpu::Adapter| match choice {
        AdapterChoice::Any => true,
        AdapterChoice::Hardware => adapter.get_info().device_type != wgpu::DeviceType::Cpu,
        AdapterChoice::Named(wanted) => {
            name(adapter).to_lowercase().contains(&wanted.to_lowercase())
        }
    };
    let meant: Vec<_> = adapters.iter().filter(is_meant).collect();
    match (meant.len(), choice) {
        (0, AdapterChoice::Named(wanted)) => {
            Err(DeviceError::NoSuchAdapter { wanted: wanted.clone(), found: names() })
        }
        (0, _) if adapters.is_empty() => {
            Err(DeviceError::NoAdapter("no driver answered".to_owned()))
        }
        (0, _) => {
            Err(DeviceError::NoAdapter(format!("only software drivers answered: {}", names())))
        }
        (count, _) => Ok(meant[nth % count].clone()),
    }
}

#[cfg(target_arch = "wasm32")]
pub(super) async fn find(
    _choice: &AdapterChoice,
    _nth: usize,
) -> Result<wgpu::Adapter, DeviceError> {
    // Browsers cannot enumerate adapters.
    wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle())
        .request_adapter(&wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        })
        .await
        .map_err(|error| DeviceError::NoAdapter(error.to_string()))
}

pub(super) async fn request_device(
    adapter: &wgpu::Adapter,
) -> Result<(wgpu::Device, wgpu::Queue), DeviceError> {
    let name = adapter.get_info().name;
    let limits = adapter.limits();
    let promised = [
        ("maxStorageBuffersPerShaderStage", 8, limits.max_storage_buffers_per_shader_stage),
        ("maxComputeInvocationsPerWorkgroup", 256, limits.max_compute_invocations_per_workgroup),
        ("maxComputeWorkgroupStorageSize", 16_384, limits.max_compute_workgroup_storage_size),
    ];
    for (limit, needed, available) in promised {
        if available < needed {
            return Err(DeviceError::TooSmall {
                adapter: name,
                what: "every kernel".to_owned(),
                limit,
                needed: needed.into(),
                available: available.into(),
            });
        }
    }
    let optional =
        wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SUBGROUP | wgpu::Features::SHADER_F16;
    let (matrices, experimental_features) = experimental(adapter);
    adapter
        .request_device(&wgpu::DeviceDescriptor {
            label: Some("cinnabar"),
            required_features: adapter.features() & (optional | matrices),
            required_limits: limits,
            experimental_features,
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        })
        .await
        .map_err(|error| DeviceError::NoDevice { adapter: name, reason: error.to_string() })
}

/// Matrix units, where they can be used: they are experimental in wgpu.
#[expect(unsafe_code, reason = "wgpu's condition for experimental features")]
fn experimental(adapter: &wgpu::Adapter) -> (wgpu::Features, wgpu::ExperimentalFeatures) {
    if matrix_units(adapter) == MatrixUnits::default() {
        return (wgpu::Features::empty(), wgpu::ExperimentalFeatures::disabled());
    }
    // SAFETY: what the extension leaves to its users, the only shaders that use it keep
    // (common/matrix_product.wgsl): sizes that the adapter lists, uniform control flow, aligned
    // loads and stores in bounds.
    (MATRICES, unsafe { wgpu::ExperimentalFeatures::enabled() })
}

/// Square matrices of `f16`, summed up in `f32`, that an adapter multiplies.
fn matrix_units(adapter: &wgpu::Adapter) -> MatrixUnits {
    let needed = MATRICES | wgpu::Features::SUBGROUP | wgpu::Features::SHADER_F16;
    if !adapter.features().contains(needed) {
        return MatrixUnits::default();
    }
    let properties = adapter.cooperative_matrix_properties();
    let have = |side| {
        properties.iter().any(|of| {
            (of.m_size, of.n_size, of.k_size) == (side, side, side)
                && of.ab_type == wgpu::CooperativeScalarType::F16
                && of.cr_type == wgpu::CooperativeScalarType::F32
                && !of.saturating_accumulation
        })
    };
    // Mesa's software driver lists 8 alone and runs both, which the tests rely on.
    let software = adapter.get_info().device_type == wgpu::DeviceType::Cpu;
    MatrixUnits { eight: have(8), sixteen: have(16) || (software && have(8)) }
}
