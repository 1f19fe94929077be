// Starts the page: loads the WebAssembly that trunk names in this script's own tag.
const tag = document.querySelector("script[data-js]");
const js = new URL(tag.dataset.js, document.baseURI);
const wasm = new URL(tag.dataset.wasm, document.baseURI);
// The page starts its engine in a worker from the same two files.
const engine = new URL("engine.js", import.meta.url);
engine.searchParams.set("js", js.href);
engine.searchParams.set("wasm", wasm.href);
document.documentElement.dataset.engine = engine.href;
// The engine that trains, too, is another program, which is loaded when it is asked for. The page's hash
// in its address keeps both of one version.
const version = js.pathname.split("-").pop();
const trainer = new URL("engine.js", import.meta.url);
for (const [part, file] of [["js", "train.js"], ["wasm", "train_bg.wasm"]]) {
  trainer.searchParams.set(part, new URL(`${file}?${version}`, document.baseURI).href);
}
document.documentElement.dataset.trainer = trainer.href;

const say = (text) => {
  const box = document.getElementById("first-paint");
  if (box) box.lastElementChild.textContent = text;
};
// A slow line takes its time: how much has come is told meanwhile. A compressed answer does not say how
// much there is in all.
let failed = false;
const tell = async ({ body, headers }) => {
  const all = headers.has("content-encoding") ? 0 : Number(headers.get("content-length"));
  const mega = (bytes) => (bytes / 1e6).toFixed(1);
  const reader = body.getReader();
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read();
    if (failed) return;
    if (done) return say("Starting…");
    bytes += value.length;
    say(`The page is on its way: ${mega(bytes)} ${all ? `of ${mega(all)} ` : ""}MB`);
  }
};
try {
  const { default: init } = await import(js.href);
  const response = await fetch(wasm);
  // What breaks off is told below.
  if (response.ok) tell(response.clone()).catch(() => {});
  await init({ module_or_path: response });
} catch (error) {
  console.error(error);
  failed = true;
  const old = typeof WebAssembly === "undefined" || error instanceof WebAssembly.CompileError;
  say(
    old
      ? "Cinnabar could not start: this browser does not run its WebAssembly. Any browser of 2023 or later does."
      : "Cinnabar could not start: a part of the page did not arrive. Reload it when the network or the server is back.",
  );
}
if ("serviceWorker" in navigator) {
  // Without it (private windows) the page works, only not offline.
  navigator.serviceWorker.register(new URL("offline.js", import.meta.url)).catch(() => {});
  // What was loaded before the service worker was there, and what nobody has asked for yet.
  navigator.serviceWorker.ready.then(({ active }) => {
    const page = new URL(".", document.baseURI).href;
    const later = new URL("learning.md", document.baseURI).href;
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    active.postMessage([page, later, js.href, wasm.href, engine.href, ...loaded]);
  });
}
