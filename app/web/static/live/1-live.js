// The ceremony's screen: asks for the page again every two seconds and puts the new main part in place of the old.
// Without script the page refreshes itself. A fault of the network is said, and asking goes on.
const main = document.getElementById("main");
const status = document.getElementById("live-status");

async function renew() {
  try {
    const answer = await fetch(location.href, { cache: "no-cache", headers: { accept: "text/html" } });
    if (answer.ok) {
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
      if (next && next.innerHTML !== main.innerHTML) main.replaceChildren(...next.childNodes);
    }
    status.hidden = answer.ok;
  } catch {
    status.hidden = false;
  }
  if (!main.querySelector("[data-over]")) setTimeout(renew, 2000);
}

setTimeout(renew, 2000);
