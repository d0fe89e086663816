// The service worker of the inspector's pages: what was seen last is there without a network; nothing else is touched.
const PAGES = "pages";
const KEPT = /^(\/en)?\/staff\/(today|visits\/[0-9a-f]{20})$/;
const ENDS = /^(\/en)?\/(sign-in|sign-out)$/;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  // Whoever signs in or out must not find another's pages here. Photos that wait are in the outbox, not here.
  if (request.method === "POST" && ENDS.test(pathname)) event.waitUntil(caches.delete(PAGES));
  if (request.method !== "GET") return;
  if (pathname.startsWith("/static/")) event.respondWith(kept(request, false));
  else if (KEPT.test(pathname)) event.respondWith(kept(request, true));
});

// Pages: the network first. Static files never change under their address: the cache first.
async function kept(request, fresh) {
  const cache = await caches.open(PAGES);
  const known = await cache.match(request);
  if (known && !fresh) return known;
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) await cache.put(request, answer.clone());
    else if ([401, 403, 404].includes(answer.status)) await cache.delete(request);
    return answer;
  } catch (error) {
    const found = known ?? (await cache.match(request, { ignoreSearch: true }));
    if (found) return found;
    throw error;
  }
}
