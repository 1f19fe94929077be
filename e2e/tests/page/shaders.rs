//! Every shader of the project through Tint, Chromium's compiler: it is stricter than naga.

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

#[tokio::test]
async fn every_shader_compiles_in_chromium() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("shaders", Gpu::Software).await;
    // WebGPU is only given to pages of a secure origin, which a local server's are.
    browser.open(&format!("{}models/models.json", server.url)).await;
    let mut compiled = 0;
    for kernel in kernels::ALL.iter().filter(|kernel| !kernel.subgroups) {
        let source =
            kernel.assemble(&[]).unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
        let script = "const done = arguments[arguments.length - 1]; \
            (async source => { \
                const adapter = await navigator.gpu.requestAdapter(); \
                window.device ??= await adapter.requestDevice(); \
                const module = window.device.createShaderModule({ code: source }); \
                const info = await module.getCompilationInfo(); \
                const errors = info.messages.filter(m => m.type === 'error'); \
                if (errors.length) return errors.map(m => `${m.lineNum}: ${m.message}`).join('; '); \
                await window.device.createComputePipelineAsync({ layout: 'auto', compute: { module } }); \
                return ''; \
            })(arguments[0]).then(done, error => done(String(error)));";
        let errors = browser.client.execute_async(script, vec![source.into()]).await;
        let errors = errors.unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
        assert_eq!(errors, "", "{}", kernel.name);
        compiled += 1;
    }
    println!("{compiled} shaders compiled by Tint");
    assert!(compiled > 20, "only {compiled}");
    browser.close().await;
}
