//! Compiling kernels.

#[cfg(not(target_arch = "wasm32"))]
use std::collections::HashMap;

#[cfg(not(target_arch = "wasm32"))]
use rayon::prelude::*;

use super::Gpu;
use crate::{Access, DeviceError, Kernel, Launch};

/// A kernel with the values of its constants.
pub(super) type PipelineKey = (&'static str, Vec<(&'static str, u32)>);

impl Gpu {
    pub(super) fn pipeline(
        &mut self,
        launch: &Launch,
    ) -> Result<wgpu::ComputePipeline, DeviceError> {
        let key = (launch.kernel.name, launch.constants.clone());
        if let Some(pipeline) = self.pipelines.get(&key) {
            return Ok(pipeline.clone());
        }
        let pipeline = self.compile_kernel(launch.kernel, &launch.constants)?;
        self.check()?;
        self.pipelines.insert(key, pipeline.clone());
        Ok(pipeline)
    }

    /// Compiles the kernels that are not compiled yet, on all threads: where nothing is cached, this is most
    /// of the time to the first step. A browser compiles them by itself, while the page goes on.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn compile_all(&mut self, launches: &[Launch]) -> Result<(), DeviceError> {
        let start = web_time::Instant::now();
        let keys = launches.iter().map(|launch| (launch.kernel.name, launch.constants.clone()));
        let missing: HashMap<PipelineKey, &Launch> =
            keys.zip(launches).filter(|(key, _)| !self.pipelines.contains_key(key)).collect();
        let gpu = &*self;
        let compile = |(key, launch): (PipelineKey, &Launch)| {
            Ok((key, gpu.compile_kernel(launch.kernel, &launch.constants)?))
        };
        let compiled: Result<Vec<_>, DeviceError> = missing.into_par_iter().map(compile).collect();
        let compiled = compiled?;
        self.check()?;
        let seconds = start.elapsed().as_secs_f64();
        log::info!("{} kernels compiled in {seconds:.2} s", compiled.len());
        self.pipelines.extend(compiled);
        Ok(())
    }

    /// Compiles the kernel of a launch if it is not compiled yet, and waits until the driver has
    /// it.
    pub(crate) async fn warm(&mut self, launch: &Launch) -> Result<(), DeviceError> {
        // The answer of an error scope comes after everything in it is done: WebGPU has no other
        // sign of it through wgpu.
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let compiled = self.pipeline(launch);
        let refused = scope.pop().await;
        compiled?;
        match refused {
            Some(error) => Err(DeviceError::Refused(error.to_string())),
            None => self.check(),
        }
    }

    fn compile_kernel(
        &self,
        kernel: &'static Kernel,
        constants: &[(&'static str, u32)],
    ) -> Result<wgpu::ComputePipeline, DeviceError> {
        if let Some(missing) = self.summary.capabilities.missing(&kernel.requires) {
            let adapter = self.summary.name.clone();
            return Err(DeviceError::Unsupported { kernel: kernel.name, adapter, missing });
        }
        let lanes =
            self.summary.capabilities.subgroup_size.filter(|_| kernel.requires.matrices.is_some());
        let constants: Vec<_> =
            constants.iter().copied().chain(lanes.map(|lanes| ("LANES", lanes))).collect();
        let source = kernel
            .assemble(&constants)
            .map_err(|source| DeviceError::Source { kernel: kernel.name, source })?;
        let module = self.shader_module(kernel.name, source);
        let storage = kernel.bindings.iter().map(|binding| wgpu::BufferBindingType::Storage {
            read_only: binding.access == Access::Read,
        });
        let entries: Vec<_> = std::iter::once(wgpu::BufferBindingType::Uniform)
            .chain(storage)
            .zip(0..)
            .map(|(ty, binding)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty,
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            })
            .collect();
        // An explicit layout: wgpu's derived one drops bindings that a variant does not use.
        let group = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(kernel.name),
            entries: &entries,
        });
        let layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(kernel.name),
            bind_group_layouts: &[Some(&group)],
            immediate_size: 0,
        });
        Ok(self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.name),
            layout: Some(&layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                // Every kernel writes its workgroup memory before it reads it.
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        }))
    }

    #[expect(unsafe_code, reason = "bounds checks in inner loops cost up to half of the speed")]
    fn shader_module(&self, label: &str, source: String) -> wgpu::ShaderModule {
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(label),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        };
        // SAFETY: the sources are this project's own files, never a user's; every kernel guards
        // its own edges, and the tests run each one at sizes that no tile divides. A browser
        // ignores the setting and checks all the same.
        unsafe {
            self.device
                .create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        }
    }
}
