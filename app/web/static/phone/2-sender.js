// Sending: a row goes when the server has named the hash of what it kept, and never before.
const SPEAKS = { Accept: "application/json", "Accept-Language": say("zh", "en") };

class Sender {
  constructor(outbox, shown) {
    [this.outbox, this.shown] = [outbox, shown];
  }
  // One at a time over all open pages.
  send() {
    return navigator.locks.request("outbox", async () => {
      for (const row of await this.outbox.rows()) if (!(await this.one(row))) break;
      await this.shown();
    });
  }
  // Whether to go on: without a network or a session there is no use in trying the next one.
  async one(row) {
    let answer;
    try {
      answer = await (row.kind === "answers" ? this.answers(row) : this.file(row));
    } catch {
      await this.say(row, say("没有连接，联网后自动发送", "no connection: it will be sent when there is one"));
      return false;
    }
    if (answer.status === 401) {
      await this.say(row, say("请重新登录，然后自动发送", "sign in again: it will be sent then"));
      return false;
    }
    const kept = await answer.json().catch(() => ({}));
    if (answer.ok && (await this.confirmed(row, kept))) await this.outbox.removeSent(row);
    else await this.say(row, answer.ok ? say("服务器收到的内容与本机不同，将重发", "what the server has differs: it will be sent again") : this.reason(answer, kept), !answer.ok);
    return true;
  }
  file(row) {
    const body = new FormData();
    for (const [name, value] of Object.entries({ by: row.by, department: row.department, kind: row.kind, taken_at: row.takenAt, note: row.note })) body.set(name, value);
    body.set("file", new Blob([row.data], { type: row.type }), row.name);
    return fetch(`/api/v1/visits/${row.visit}/evidence`, { method: "POST", body, headers: SPEAKS });
  }
  answers(row) {
    const body = JSON.stringify({ by: row.by, answers: row.answers });
    return fetch(`/api/v1/visits/${row.visit}/answers`, { method: "POST", body, headers: { ...SPEAKS, "Content-Type": "application/json" } });
  }
  async confirmed(row, kept) {
    if (row.kind !== "answers") return kept.sha256 === row.sha256;
    const own = Object.fromEntries(Object.keys(row.answers).map((code) => [code, kept.answers?.[code] ?? {}]));
    return (await hashOf(own)) === row.sha256;
  }
  reason(answer, problem) {
    const told = [problem.detail, problem.remedy].filter(Boolean).join(" ");
    return `${say("服务器没有接受", "the server did not accept it")}（${answer.status}）${told}`;
  }
  say(row, said, refused = false) {
    return this.outbox.change(async (rows) => {
      const now = await asked(rows.get(row.id));
      if (now?.sha256 === row.sha256) await asked(rows.put({ ...now, said, refused }));
    });
  }
}
