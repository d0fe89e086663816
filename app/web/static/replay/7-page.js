// The page: fetch or open a bundle, show the steps one by one, flip a byte and run again.
const ENGLISH = document.documentElement.lang.startsWith("en");
const say = (zh, en) => (ENGLISH ? en : zh);
const STATUS = { OK: say("一致", "agrees"), FAIL: say("不一致", "differs"), SKIP: say("不能核对", "cannot be checked") };
const pause = () => new Promise((done) => setTimeout(done));

class Page {
  constructor(form) {
    this.form = form;
    this.list = document.getElementById("replay-steps");
    this.result = document.getElementById("replay-result");
    this.chosen = form.elements.file;
    form.hidden = false;
    form.elements.run.addEventListener("click", () => this.start(false));
    form.elements.flip.addEventListener("click", () => this.start(true));
    form.elements.bundle?.addEventListener("change", () => (this.data = null));
  }
  async load() {
    const given = this.form.elements.bundle?.files[0];
    if (given) return new Uint8Array(await given.arrayBuffer());
    if (!this.form.dataset.bundle) throw new Error(say("请先选择归档文件（ZIP）。", "Choose a bundle (ZIP) first."));
    const answer = await fetch(this.form.dataset.bundle);
    if (!answer.ok) throw new Error(say("归档取不到。", "The bundle cannot be fetched."));
    return new Uint8Array(await answer.arrayBuffer());
  }
  offer(files) {
    const kept = this.chosen.value;
    this.chosen.replaceChildren(...[...files.keys()].map((name) => new Option(name, name)));
    if (files.has(kept)) this.chosen.value = kept;
    this.form.elements.flip.disabled = false;
  }
  async start(flip) {
    this.list.replaceChildren();
    this.result.textContent = say("正在核对……", "Checking…");
    try {
      this.data ??= await this.load();
      if (!flip) this.tryOffer();
      const data = flip ? flipped(this.data, this.chosen.value) : this.data;
      const { ok } = await verify(data, { vkey: this.form.elements.vkey.value, shownStep: (line) => this.show(line) });
      this.result.textContent = ok ? say("凡本页核对的步骤全部一致。", "Every step that this page checks agrees.") : say("不一致：这份归档不可信。", "It differs: this bundle is not to be trusted.");
      this.result.dataset.ok = String(ok);
    } catch (error) {
      this.result.textContent = error.message;
    }
  }
  tryOffer() {
    try {
      this.offer(unzipped(this.data));
    } catch {
      this.form.elements.flip.disabled = true;
    }
  }
  async show(line) {
    const item = document.createElement("li");
    item.dataset.status = line.status;
    const name = document.createElement("strong");
    name.textContent = `${say(line.zh, line.en)}：${STATUS[line.status]}`;
    item.append(name, document.createElement("br"), say(...line.detail));
    this.list.append(item);
    await pause();
  }
}

// The bundle with one bit of the middle of a packed file turned over.
function flipped(data, name) {
  const changed = data.slice();
  const file = unzipped(changed).get(name);
  changed[file.packed.byteOffset + (file.packed.length >> 1)] ^= 1;
  return changed;
}

globalThis.replay = { verify, flipped, sha256, sm3, sha512, hmac, ed25519, hexOf, unhex };
const form = document.getElementById("replay");
if (form) new Page(form);
