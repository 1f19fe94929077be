// Repeats a check of the kernels' own tests on raw WebGPU: buffers as they were, the launches, and
// the outputs compared with the oracle's. `run(name)` resolves to what is wrong, "" if nothing;
// `run(name, wrong)` to what it says when the oracle were off by `wrong`.
globalThis.replay = async () => {
  const adapter = await navigator.gpu.requestAdapter();
  const features = ["subgroups"].filter((name) => adapter.features.has(name));
  const device = await adapter.requestDevice({ requiredFeatures: features });
  const info = adapter.info;
  const fixed = info.subgroupMinSize === info.subgroupMaxSize;
  const subgroup = features.length && fixed ? info.subgroupMinSize : null;
  const usage = GPUBufferUsage;
  const pipelines = new Map();

  const buffer = (bytes, extra) => {
    const made = device.createBuffer({ size: Math.max(bytes.byteLength, 16), usage: usage.COPY_DST | extra });
    device.queue.writeBuffer(made, 0, bytes);
    return made;
  };

  // The layout as the host declares it: a shader may leave a binding unused.
  const pipelineOf = async ({ code, written }) => {
    const key = code + written;
    if (!pipelines.has(key)) {
      const visibility = GPUShaderStage.COMPUTE;
      const entries = [{ binding: 0, visibility, buffer: { type: "uniform" } }];
      written.forEach((write, i) => {
        entries.push({ binding: i + 1, visibility, buffer: { type: write ? "storage" : "read-only-storage" } });
      });
      const layout = device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
      const module = device.createShaderModule({ code });
      const messages = (await module.getCompilationInfo()).messages.filter((m) => m.type === "error");
      if (messages.length) throw new Error(messages.map((m) => `${m.lineNum}: ${m.message}`).join("; "));
      pipelines.set(key, await device.createComputePipelineAsync({ layout, compute: { module, entryPoint: "main" } }));
    }
    return pipelines.get(key);
  };

  const run = async (name, wrong = 0) => {
    const [check, bytes] = await Promise.all([
      fetch(`cases/${name}.json`).then((answer) => answer.json()),
      fetch(`cases/${name}.bin`).then((answer) => answer.arrayBuffer()),
    ]);
    device.pushErrorScope("validation");
    let at = 0;
    const storage = usage.STORAGE | usage.COPY_SRC;
    const buffers = check.buffers.map((length) => {
      const made = buffer(new Uint8Array(bytes, at, 4 * length), storage);
      at += 4 * length;
      return made;
    });
    const encoder = device.createCommandEncoder();
    for (const launch of check.launches) {
      const pipeline = await pipelineOf(launch);
      const params = buffer(new Uint8Array(launch.params), usage.UNIFORM);
      const entries = [{ binding: 0, resource: { buffer: params, size: launch.params.length } }];
      launch.buffers.forEach(({ buffer: index, offset, length }, i) => {
        entries.push({ binding: i + 1, resource: { buffer: buffers[index], offset: 4 * offset, size: 4 * length } });
      });
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
      pass.dispatchWorkgroups(...launch.grid);
      pass.end();
    }
    const staged = check.outputs.map(({ buffer: index, offset, length }) => {
      const target = device.createBuffer({ size: 4 * length, usage: usage.MAP_READ | usage.COPY_DST });
      encoder.copyBufferToBuffer(buffers[index], 4 * offset, target, 0, 4 * length);
      return target;
    });
    device.queue.submit([encoder.finish()]);
    const error = await device.popErrorScope();
    if (error) return error.message;
    const expected = new DataView(bytes, at);
    let place = 0;
    for (const [output, { float, length }] of check.outputs.entries()) {
      await staged[output].mapAsync(GPUMapMode.READ);
      const range = staged[output].getMappedRange();
      const actual = float ? new Float32Array(range) : new Uint32Array(range);
      for (let i = 0; i < length; i++, place += 8) {
        const e = expected.getFloat64(place, true) + wrong;
        if (!(Math.abs(actual[i] - e) <= check.absolute + check.relative * Math.abs(e))) {
          return `output ${output}, element ${i}: ${actual[i]}, expected ${e}`;
        }
      }
    }
    if (place !== expected.byteLength) return `${expected.byteLength - place} bytes are left over`;
    [...buffers, ...staged].forEach((used) => used.destroy());
    return "";
  };
  return { run, subgroup, compile: pipelineOf };
};
