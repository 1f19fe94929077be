// Service worker: the page opens without a network. Files whose names carry a hash never change
// and come from the cache; all others come from the network while there is one.
const CACHE = "cinnabar-page-1";
const HASHED = /-[0-9a-f]{12,16}[._]/;

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || !mine(url)) return;
  event.respondWith(HASHED.test(url.pathname) ? cached(request) : fresh(request));
});

// A page tells what it has loaded: that is the page of now, for the next start without a network.
self.addEventListener("message", (event) => event.waitUntil(remember(new Set(event.data))));

async function remember(addresses) {
  const cache = await caches.open(CACHE);
  for (const request of await cache.keys()) {
    if (HASHED.test(request.url) && !addresses.has(request.url)) await cache.delete(request);
  }
  for (const address of addresses) {
    if (!mine(new URL(address)) || (await cache.match(address))) continue;
    // What cannot be had now is kept when it is asked for.
    await keep(cache, new Request(address)).catch(() => {});
  }
}

// The engine keeps models in a cache of its own.
function mine(url) {
  return url.origin === self.location.origin && !url.pathname.endsWith(".safetensors");
}

// Null where there is no storage, as on a full disk: then the network alone serves.
const storage = () => caches.open(CACHE).catch(() => null);

async function cached(request) {
  const cache = await storage();
  if (!cache) return fetch(request);
  return (await cache.match(request)) ?? keep(cache, request);
}

async function fresh(request) {
  const cache = await storage();
  if (!cache) return fetch(request);
  try {
    return await keep(cache, request);
  } catch (error) {
    const known = await cache.match(request, { ignoreSearch: true });
    if (known) return known;
    throw error;
  }
}

async function keep(cache, request) {
  const response = await fetch(request);
  // A full disk is no reason to hold back what has come.
  if (response.ok) await cache.put(request, response.clone()).catch(() => {});
  return response;
}
