//! A recording made ready for the GPU, and running it.

use std::sync::Arc;

use web_time::Instant;

use super::Gpu;
use crate::{DeviceError, MAX_PARAMS_SIZE, Recording};

/// Launches of a recording with pipelines, bind groups and params in place.
#[derive(Debug)]
pub(crate) struct GpuProgram {
    launches: Vec<PreparedLaunch>,
    /// Grids of the conditional launches, three words each: the last one, 1 or 0, is copied from
    /// the condition before they run.
    grids: wgpu::Buffer,
}

#[derive(Debug)]
struct PreparedLaunch {
    name: &'static str,
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    grid: [u32; 3],
    when: Option<Condition>,
    flop: u64,
}

/// Where a conditional launch finds its condition and its grid.
#[derive(Debug)]
struct Condition {
    flag: wgpu::Buffer,
    flag_offset: u64,
    grid_offset: u64,
}

impl Gpu {
    /// Compiles the kernels of `recording` that are not compiled yet and binds their buffers.
    pub(crate) fn prepare(&mut self, recording: &Recording) -> Result<GpuProgram, DeviceError> {
        let all = recording.launches();
        #[cfg(not(target_arch = "wasm32"))]
        self.compile_all(all)?;
        let size = (all.len().max(1) * MAX_PARAMS_SIZE) as u64;
        let uniforms = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("params"),
            size,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut params = vec![0; size as usize];
        let mut grids: Vec<u32> = Vec::new();
        let mut launches = Vec::with_capacity(all.len());
        for (index, launch) in all.iter().enumerate() {
            let name = launch.kernel.name;
            let available = self.summary.capabilities.max_workgroups.into();
            for workgroups in launch.grid {
                let limit = "maxComputeWorkgroupsPerDimension";
                self.check_limit(name, limit, workgroups.into(), available)?;
            }
            let start = index * MAX_PARAMS_SIZE;
            params[start..start + launch.params.len()].copy_from_slice(&launch.params);
            let pipeline = self.pipeline(launch)?;
            let mut entries = vec![wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &uniforms,
                    offset: start as u64,
                    size: std::num::NonZero::new(launch.params.len() as u64),
                }),
            }];
            for (slice, binding) in launch.buffers.iter().zip(1..) {
                let available = self.summary.capabilities.max_binding_size;
                self.check_limit(name, "maxStorageBufferBindingSize", slice.bytes(), available)?;
                entries.push(wgpu::BindGroupEntry {
                    binding,
                    resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer: self.buffer(*slice),
                        offset: slice.byte_offset(),
                        size: std::num::NonZero::new(slice.bytes()),
                    }),
                });
            }
            let bind_group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(name),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries,
            });
            launches.push(PreparedLaunch {
                name,
                pipeline,
                bind_group,
                grid: launch.grid,
                when: launch.when.map(|flag| {
                    let grid_offset = 4 * grids.len() as u64;
                    grids.extend(launch.grid);
                    Condition {
                        flag: self.buffer(flag).clone(),
                        flag_offset: flag.byte_offset(),
                        grid_offset,
                    }
                }),
                flop: launch.flop,
            });
        }
        self.queue.write_buffer(&uniforms, 0, &params);
        let indirect = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("grids"),
            size: 4 * grids.len().max(3) as u64,
            usage: wgpu::BufferUsages::INDIRECT | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&indirect, 0, bytemuck::cast_slice(&grids));
        self.check()?;
        Ok(GpuProgram { launches, grids: indirect })
    }

    /// Sends every launch to the GPU, in order; does not wait.
    pub(crate) fn run(&self, program: &GpuProgram) -> Result<(), DeviceError> {
        let mut rest = program.launches.as_slice();
        while let Some((first, others)) = rest.split_first() {
            let budget = self.pace().submit(Instant::now());
            let mut work = first.flop;
            let more = others.iter().take_while(|launch| {
                let fits = work + launch.flop <= budget;
                work += if fits { launch.flop } else { 0 };
                fits
            });
            let (now, later) = rest.split_at(1 + more.count());
            let mut encoder = self.device.create_command_encoder(&Default::default());
            // Conditions are copied between passes; no conditional launch writes one.
            for launches in now.chunk_by(|a, b| a.when.is_some() == b.when.is_some()) {
                launches.iter().for_each(|launch| launch.decide(&mut encoder, &program.grids));
                let mut pass = encoder.begin_compute_pass(&Default::default());
                for launch in launches {
                    launch.encode(&mut pass, &program.grids);
                }
            }
            self.queue.submit([encoder.finish()]);
            let pace = Arc::clone(&self.pace);
            self.queue.on_submitted_work_done(move || {
                pace.lock().expect("no panic while locked").finish(work, Instant::now());
            });
            rest = later;
        }
        self.check()
    }

    /// Runs the program once with a timestamp around every launch; returns the seconds of each.
    pub(crate) async fn profile(&self, program: &GpuProgram) -> Result<Vec<f64>, DeviceError> {
        const LAUNCHES_PER_SET: usize = wgpu::QUERY_SET_MAX_QUERIES as usize / 2;
        let mut seconds = Vec::with_capacity(program.launches.len());
        for launches in program.launches.chunks(LAUNCHES_PER_SET) {
            let count = 2 * launches.len() as u32;
            let queries = self.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("profile"),
                ty: wgpu::QueryType::Timestamp,
                count,
            });
            let size = 8 * u64::from(count);
            let resolved = self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            let mut encoder = self.device.create_command_encoder(&Default::default());
            for (launch, index) in launches.iter().zip(0..) {
                launch.decide(&mut encoder, &program.grids);
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: Some(launch.name),
                    timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                        query_set: &queries,
                        beginning_of_pass_write_index: Some(2 * index),
                        end_of_pass_write_index: Some(2 * index + 1),
                    }),
                });
                launch.encode(&mut pass, &program.grids);
            }
            encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
            self.queue.submit([encoder.finish()]);
            let bytes = self.read_buffer(&resolved, 0, size).await?;
            let ticks: Vec<u64> =
                bytes.as_chunks().0.iter().map(|&eight| u64::from_le_bytes(eight)).collect();
            let period = f64::from(self.queue.get_timestamp_period()) * 1e-9;
            let ticks = ticks.as_chunks::<2>().0;
            seconds.extend(
                ticks.iter().map(|[begin, end]| end.saturating_sub(*begin) as f64 * period),
            );
        }
        Ok(seconds)
    }
}

impl PreparedLaunch {
    /// Copies the condition into the grid: all layers, or none.
    fn decide(&self, encoder: &mut wgpu::CommandEncoder, grids: &wgpu::Buffer) {
        if let Some(Condition { flag, flag_offset, grid_offset }) = &self.when {
            encoder.copy_buffer_to_buffer(flag, *flag_offset, grids, grid_offset + 8, 4);
        }
    }

    fn encode(&self, pass: &mut wgpu::ComputePass<'_>, grids: &wgpu::Buffer) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        let [x, y, z] = self.grid;
        match &self.when {
            Some(condition) => pass.dispatch_workgroups_indirect(grids, condition.grid_offset),
            None => pass.dispatch_workgroups(x, y, z),
        }
    }
}
