// A page that is watched: every two seconds asks for it again and puts its [data-live] part in place of the old one.
// `data-live` is the address to ask, empty for the page's own. Where the part is gone, what was watched is over and the
// whole page is shown anew. A fault of the network is said, and asking goes on.
const status = document.getElementById("live-status");
let part = document.querySelector("[data-live]");

async function renew() {
  try {
    const answer = await fetch(part.dataset.live || location.href, { cache: "no-cache", headers: { accept: "text/html" } });
    if (answer.ok) {
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
      if (!next) return part.dataset.live ? location.assign(part.dataset.live) : location.reload();  // a #part would stay
      part.querySelectorAll("details").forEach((one, place) => {
        const same = next.querySelectorAll("details")[place];
        if (same) same.open = one.open;
      });
      if (next.outerHTML !== part.outerHTML) {
        part.replaceWith(next);
        part = next;
      }
    }
    status.hidden = answer.ok;
  } catch {
    status.hidden = false;
  }
  if (!("over" in part.dataset)) setTimeout(renew, 2000);
}

if (part) setTimeout(renew, 2000);
