// Answers for the page: from what it has kept, so that there need be no network, and with headers that let a page have
// threads and let nothing leave it, for its workers, too.

importScripts("files.js"); // VERSION, FILES and POLICY, as the page was written

const BASE = new URL("./", self.location).href;
/** A host may have several such pages. */
const OURS = `impasto ${BASE} `;
const NAME = OURS + VERSION;
const ALL = new Set(FILES.map((file) => new URL(file, BASE).href));
/** What is fetched when it is needed: networks and what runs them are large. */
const LATER = /\.onnx$|^runtime\//;
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy": POLICY,
};

self.addEventListener("install", (event) => {
  const first = FILES.filter((file) => !LATER.test(file));
  event.waitUntil(caches.open(NAME).then((cache) => Promise.all(first.map((file) => keep(cache, new URL(file, BASE).href)))));
  // A page of an earlier version goes on with its own files.
  if (!self.registration.active) self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then(async (names) => {
      await Promise.all(names.filter((name) => name.startsWith(OURS) && name !== NAME).map((name) => caches.delete(name)));
      await self.clients.claim();
    }),
  );
});

self.addEventListener("fetch", (event) => {
  const url = event.request.url.replace(/[?#].*/, "");
  const wanted = url === BASE ? `${BASE}index.html` : url;
  if (event.request.method === "GET" && ALL.has(wanted)) event.respondWith(answer(wanted));
});

async function answer(url) {
  const cache = await caches.open(NAME);
  const { body, headers, status, statusText } = (await cache.match(url)) ?? (await keep(cache, url));
  const all = new Headers(headers);
  for (const [name, value] of Object.entries(HEADERS)) all.set(name, value);
  return new Response(body, { headers: all, status, statusText });
}

/** What is fetched anew: an older version may lie in the browser's own cache. */
async function keep(cache, url) {
  const fresh = await fetch(url, { cache: "no-cache" });
  if (fresh.ok) await cache.put(url, fresh.clone());
  return fresh;
}
