// The engine's worker: the same WebAssembly as the page, which sees that it has no window.
const { searchParams } = new URL(self.location.href);
// Only files of this page's own origin.
const own = (name) => {
  const url = new URL(searchParams.get(name), self.location.href);
  if (url.origin !== self.location.origin) throw new Error(`${url} is of another origin`);
  return url;
};
// A promise that nobody catches is an error that the page must hear of.
self.addEventListener("unhandledrejection", (event) => {
  setTimeout(() => {
    throw event.reason;
  });
});
const { default: init } = await import(own("js").href);
await init({ module_or_path: own("wasm") });
