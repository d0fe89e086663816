// The planner's ratios: each edit asks for the page with them and puts its effect in place of the old one.
// Without script the button asks. The newest answer wins; a fault of the network leaves the old figures, marked so.
const form = document.getElementById("ratios");
let waiting = 0;
let asked = 0;

async function renew() {
  const number = ++asked;
  const place = document.getElementById("effect");
  place.setAttribute("aria-busy", "true");
  try {
    const query = new URLSearchParams(new FormData(form));
    const answer = await fetch(`${location.pathname}?${query}`, { headers: { accept: "text/html" } });
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("effect");
    if (number === asked && next) place.replaceWith(next);
  } catch {
    if (number === asked) place.dataset.stale = "";
  }
}

form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(renew, 250);
});
