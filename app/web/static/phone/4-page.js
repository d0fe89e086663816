// The inspector's pages: what is filled in goes to the outbox first, and from there to the server when it can be reached.
const AGAIN_AFTER = 20000;
const KINDS = { photo: say("照片", "Photo"), file: say("文件", "File"), attempt: say("联系记录", "Record of contact"), signature: say("签名", "Signature"), answers: say("答案", "Answers") };

class Phone {
  constructor(box) {
    this.box = box;
    this.visit = box.dataset.visit ?? "";
    [this.state, this.list] = [box.querySelector("[role=status]"), box.querySelector("ul")];
    box.hidden = false;
  }
  async start() {
    if (!isSecureContext) {
      this.state.textContent = say("这个地址不是 https：断网后不能继续，照片、签名和答案须在联网时提交。请改用 https 地址。", "This address is not https: nothing works without a network, and photos, signatures and answers must be sent while there is one. Use the https address.");
      return;
    }
    this.outbox = await new Outbox().open();
    this.sender = new Sender(this.outbox, () => this.show());
    await this.take();
    await this.show();
    addEventListener("online", () => this.sender.send());
    setInterval(() => this.sender.send(), AGAIN_AFTER);
    await Promise.all([this.sender.send(), this.keepPages()]);
  }
  async keepPages() {
    const { serviceWorker } = navigator;
    const claimed = new Promise((done) => (serviceWorker.controller ? done() : serviceWorker.addEventListener("controllerchange", done, { once: true })));
    await serviceWorker.register(this.box.dataset.worker, { scope: "/" });
    await claimed;
    const links = [...document.querySelectorAll("ol.stops a")].slice(0, 40).map((link) => link.href);
    const own = [...document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src]")].map((part) => part.href ?? part.src);
    const kept = await Promise.allSettled([location.href, ...own, ...links].map(async (address) => {
      if (!(await fetch(address, { headers: { Accept: "text/html" } })).ok) throw new Error(address);
    }));
    this.box.dataset.kept = kept.filter((one) => one.status === "fulfilled").length;
    await navigator.storage?.persist?.();
    await this.show();
  }
  // Forms of this page that can wait for a network.
  async take() {
    const form = (name) => document.querySelector(`form[action$="/${this.visit}/${name}"]`);
    const [evidence, answers] = this.visit ? [form("evidence"), form("answers")] : [];
    if (evidence) this.takeEvidence(evidence);
    if (answers) await this.takeAnswers(answers);
    for (const other of document.querySelectorAll("main form[method=post]"))
      if (other !== evidence && other !== answers) other.addEventListener("submit", (event) => this.needsNetwork(event));
  }
  needsNetwork(event) {
    if (navigator.onLine) return;
    event.preventDefault();
    this.state.textContent = say("现在没有连接。这一步要联网后再办；照片、签名和答案已存在本机。", "There is no connection. This step waits for one; photos, signatures and answers are kept in this phone.");
    this.state.scrollIntoView({ block: "center" });
  }
  takeEvidence(form) {
    const fields = form.elements;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      for (const file of fields.file.files) await this.keep(file, fields.kind.value, form);
      fields.file.value = fields.note.value = "";
      await this.sender.send();
    });
    const pad = document.getElementById("signature");
    if (!pad) return;
    pad.hidden = false;
    const signature = new Signature(pad.querySelector("canvas"));
    const [clear, keep] = pad.querySelectorAll("button");
    clear.addEventListener("click", () => signature.clear());
    keep.addEventListener("click", async () => {
      if (signature.empty || !fields.by.reportValidity()) return;
      await this.keep(await signature.file(), "signature", form);
      signature.clear();
      await this.sender.send();
    });
  }
  async keep(file, kind, form) {
    const { by, department, note, taken_at: taken } = form.elements;
    const data = await file.arrayBuffer();
    const takenAt = taken.value ? `${taken.value}:00+08:00` : new Date().toISOString();
    await this.outbox.put({
      id: crypto.randomUUID(), visit: this.visit, kind, by: by.value, department: department.value, note: note.value, takenAt,
      name: file.name, type: file.type, size: file.size, data, sha256: await sha256(data), at: Date.now(),
    });
    await this.show();
  }
  // Answers are one row of a visit, replaced at each change; what waits there is what the form shows.
  async takeAnswers(form) {
    const id = `answers:${this.visit}`;
    const waiting = (await this.outbox.rows()).find((row) => row.id === id);
    for (const [code, { answer, note }] of Object.entries(waiting?.answers ?? {})) {
      const choice = form.elements[`answer:${code}`];
      if (choice) [choice.value, form.elements[`note:${code}`].value] = [answer, note];
    }
    const save = async () => {
      const answers = this.answersOf(form);
      if (!Object.keys(answers).length || !form.elements.by.value) return;
      await this.outbox.put({ id, visit: this.visit, kind: "answers", by: form.elements.by.value, answers, sha256: await hashOf(answers), at: Date.now() });
      await this.show();
    };
    form.addEventListener("change", save);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      await save();
      await this.sender.send();
    });
  }
  answersOf(form) {
    const given = [...new FormData(form)].filter(([name]) => name.startsWith("answer:"));
    return Object.fromEntries(given.map(([name, answer]) => [name.slice(7), { answer, note: form.elements[`note:${name.slice(7)}`].value }]));
  }
  async show() {
    const rows = await this.outbox.rows();
    this.list.replaceChildren(...rows.map((row) => this.line(row)));
    const kept = this.box.dataset.kept ? say("本页已可离线使用。", "This page works without a network.") : "";
    const waiting = rows.length ? say(`${rows.length} 项在本机，服务器确认哈希之后才删除。`, `${rows.length} in this phone, deleted only after the server has confirmed their hash.`) : say("没有待发的内容，服务器已全部确认。", "Nothing waits: the server has confirmed all.");
    this.state.textContent = `${kept} ${waiting}`;
    this.box.dataset.waiting = rows.length;
  }
  line(row) {
    const [item, hash, said] = ["li", "code", "span"].map((name) => document.createElement(name));
    hash.textContent = `SHA-256 ${row.sha256.slice(0, 16)}…`;
    hash.className = "hash";
    said.textContent = row.said ?? say("等待发送", "waiting");
    item.dataset.hash = row.sha256;
    item.append(`${KINDS[row.kind]} ${row.name ?? ""} `, hash, " ", said);
    if (row.refused) {
      const drop = document.createElement("button");
      drop.type = "button";
      drop.textContent = say("不再发送，从本机删除", "Do not send; delete from this phone");
      drop.addEventListener("click", async () => {
        if (!confirm(say("服务器没有这一项。确定删除？", "The server does not have it. Delete it?"))) return;
        await this.outbox.remove(row.id);
        await this.show();
      });
      item.append(" ", drop);
    }
    return item;
  }
}

const box = document.getElementById("outbox");
if (box) new Phone(box).start();
