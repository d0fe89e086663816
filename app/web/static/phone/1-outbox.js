// The outbox: each photo, file and signature a row of its own with its own hash, in this phone until the server has it.
const ENGLISH = document.documentElement.lang.startsWith("en");
const say = (zh, en) => (ENGLISH ? en : zh);

const asked = (request) => new Promise((done, failed) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});

class Outbox {
  async open() {
    const request = indexedDB.open("outbox", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("rows", { keyPath: "id" });
    this.db = await asked(request);
    return this;
  }
  // Done when the row is on the disk, not merely in memory.
  async change(what) {
    const transaction = this.db.transaction("rows", "readwrite", { durability: "strict" });
    const done = new Promise((finished, failed) => {
      transaction.oncomplete = finished;
      transaction.onabort = () => failed(transaction.error);
    });
    const result = await what(transaction.objectStore("rows"));
    await done;
    return result;
  }
  put(row) {
    return this.change((rows) => asked(rows.put(row)));
  }
  remove(id) {
    return this.change((rows) => asked(rows.delete(id)));
  }
  // Takes a row away only if it is still the one that was sent.
  removeSent({ id, sha256 }) {
    return this.change(async (rows) => {
      const now = await asked(rows.get(id));
      if (now?.sha256 === sha256) await asked(rows.delete(id));
    });
  }
  async rows() {
    const all = await asked(this.db.transaction("rows").objectStore("rows").getAll());
    return all.sort((a, b) => a.at - b.at);
  }
}

const hexOf = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");
const sha256 = async (data) => hexOf(await crypto.subtle.digest("SHA-256", data));
const hashOf = (answers) => sha256(new TextEncoder().encode(JSON.stringify(Object.entries(answers).sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, { answer, note }]) => [code, answer, note]))));
