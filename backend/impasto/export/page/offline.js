// Keeps the page for when there is no network, by its service worker, which also lets it have threads.

const RELOADED = "impasto-reloaded";

/** Keep what painting needs; `isBusy()` says whether a reload would cost somebody something, `onSaid` gets a sentence. */
export async function keepForLater(isBusy, onSaid) {
  // Only https and this machine itself have one.
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register("service-worker.js");
  await inCharge();
  // From now on the page comes through the service worker, with headers that allow threads.
  if (!self.crossOriginIsolated && !sessionStorage.getItem(RELOADED) && !isBusy()) {
    sessionStorage.setItem(RELOADED, "1");
    return location.reload();
  }
  const { runtime, networks } = await (await fetch("page.json")).json();
  const needed = Object.keys(runtime).filter((name) => navigator.gpu || !name.includes(".asyncify.") );
  const files = [...needed.map((name) => `runtime/${name}`), ...networks.map(({ file }) => file)];
  for (const file of files) {
    // What the page fetches the service worker keeps.
    if (!(await caches.match(file))) await (await fetch(file)).arrayBuffer();
  }
  onSaid("It works offline, too.");
}

/** Promises that the service worker answers for this page. After a forced reload it does not, until the next. */
async function inCharge() {
  await navigator.serviceWorker.ready;
  if (navigator.serviceWorker.controller) return;
  await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
}
