// The page: fetch or open a bundle, show the steps one by one and how far each is, change something and run again.
const ENGLISH = document.documentElement.lang.startsWith("en");
const say = (zh, en) => (ENGLISH ? en : zh);
const STATUS = { OK: say("一致", "agrees"), FAIL: say("不一致", "differs"), SKIP: say("不能核对", "cannot be checked") };

class Page {
  constructor(form) {
    [this.form, this.fields] = [form, form.elements];
    const found = (id) => document.getElementById(id);
    [this.list, this.result, this.bar, this.edit] = ["replay-steps", "replay-result", "replay-progress", "replay-edit"].map(found);
    form.hidden = false;
    const { run, flip, forge, bundle } = this.fields;
    run.addEventListener("click", () => this.start());
    flip.addEventListener("click", () => this.start(flipped));
    forge.addEventListener("click", () => this.start(forged));
    bundle?.addEventListener("change", () => this.forget());
  }
  forget() {
    this.data = null;
    this.allow(false);
  }
  allow(on) {
    for (const name of ["flip", "forge", "file"]) this.fields[name].disabled = !on;
  }
  async load() {
    const given = this.fields.bundle?.files[0];
    if (given) return new Uint8Array(await given.arrayBuffer());
    if (!this.form.dataset.bundle) throw new Error(say("请先选择归档文件（ZIP）。", "Choose a bundle (ZIP) first."));
    const answer = await fetch(this.form.dataset.bundle);
    if (!answer.ok) throw new Error(say("归档取不到。", "The bundle cannot be fetched."));
    return this.received(answer);
  }
  // A large bundle arrives in parts: say how much is here.
  async received(answer) {
    const [parts, total] = [[], Number(answer.headers.get("content-length")) || 0];
    let here = 0;
    for (const reader = answer.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return joined(...parts);
      parts.push(value);
      here += value.length;
      this.progress(say("下载", "Download"), here, total);
    }
  }
  progress(what, done, total) {
    this.bar.hidden = false;
    if (total) [this.bar.max, this.bar.value] = [total, Math.min(done, total)];
    else this.bar.removeAttribute("value");
    this.result.textContent = say(`正在核对：${what}……`, `Checking: ${what}…`);
  }
  async opening() {
    const given = this.fields.opening.files[0];
    return given ? new Uint8Array(await given.arrayBuffer()) : null;
  }
  async changed(change) {
    const { data, was, is } = await change(this.data, this.fields.file.value);
    this.edit.textContent = was === undefined ? "" : say(`改动：${was} → ${is}；文件摘要已全部重做。`, `Changed: ${was} → ${is}; every digest of the files was made anew.`);
    return data;
  }
  async start(change) {
    this.list.replaceChildren();
    delete this.result.dataset.ok;
    this.edit.textContent = "";
    this.fields.run.disabled = true;
    try {
      this.data ??= await this.load();
      const data = change ? await this.changed(change) : this.data;
      let now = "";
      const outcome = await verify(data, {
        vkey: this.fields.vkey.value, opening: await this.opening(),
        begun: (zh, en) => this.progress((now = say(zh, en)), 0, 0),
        progress: (done, total) => this.progress(now, done, total),
        shownStep: (line) => this.show(line),
      });
      this.tell(outcome);
      if (!change) await this.offer();
    } catch (error) {
      this.result.textContent = error.message;
    }
    this.bar.hidden = true;
    this.fields.run.disabled = false;
  }
  tell({ ok, void: reason }) {
    const good = say("各步全部一致。", "Every step agrees.");
    const bad = say("不一致：这份归档不可信。", "It differs: this bundle is not to be trusted.");
    this.result.textContent = (ok ? good : bad) + (reason === undefined ? "" : say("这一批次已作废。", " This round is void."));
    this.result.dataset.ok = String(ok);
  }
  async offer() {
    try {
      const [names, kept] = [[...(await unzipped(this.data)).keys()], this.fields.file.value];
      this.fields.file.replaceChildren(...names.map((name) => new Option(name, name)));
      if (names.includes(kept)) this.fields.file.value = kept;
      this.allow(true);
    } catch {
      this.allow(false);
    }
  }
  async show(line) {
    const item = document.createElement("li");
    item.dataset.status = line.status;
    const name = document.createElement("strong");
    name.textContent = `${say(line.zh, line.en)}${say("：", ": ")}${STATUS[line.status]}`;
    item.append(name, document.createElement("br"), say(...line.detail));
    this.list.append(item);
    await new Promise((done) => setTimeout(done));
  }
}

globalThis.replay = { verify, flipped, forged, sha256, sm3, sha512, shake256, hmac, ed25519, hexOf, unhex };
const form = document.getElementById("replay");
if (form) new Page(form);
