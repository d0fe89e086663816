// The last steps: plan, probabilities, void, log, checkpoint, a firm's opening; and the runner.
const LOGGED = ["manifest", "deposits", "entropy", "seal", "plan", "entropy_seats", "seats", "void", "reveal"];

class Replay extends Moves {
  plan() {
    if (!this.made("plan")) return UNMADE;
    const lottery = this.json("lottery");
    const groups = lottery.groups.map(({ group_id, members, cap, weight, load }) => ({ group_id, members, cap, weight, load }));
    const { classes, district_rule, roster_hash, seats, unit_bits } = lottery;
    const bound = { classes, district_rule, groups, roster_hash, routes: this.json("schedule").routes, seats, unit_bits, visits: this.json("visits").visits };
    const found = this.hashed(bound);
    const commitment = hexOf(this.suite.hash(lp("DR1/plan", this.keys.seal, unhex(found))));
    need(found === lottery.plan_hash, `方案摘要 ${found} 不同`, `plan hash ${found} differs`);
    need(commitment === this.reveal.plan_commitment && commitment === this.entry("plan").digest, "方案承诺与公开或日志不同", "the plan's commitment differs from reveal or log");
    return [`方案摘要 ${found}，承诺 = 公开 = 日志`, `plan hash ${found}, commitment = reveal = log`];
  }
  async lottery() {
    if (!this.made("plan")) return UNMADE;
    const { manifest } = this;
    const lottery = this.json("lottery");
    const { seats, district_rule: rule } = lottery;
    need(rule === (manifest.district_rule ?? rule), "地区规则与清单不同", "district_rule differs from the manifest's");
    need(!seats.length || manifest.entropy_seats.length, "有席位而无第二份公共随机数", "seats without a second entropy");
    need(lottery.unit_bits === (this.observed ? 10 : 20) && (!this.observed || seats.length <= 200), "抽取方式与清单不符", "unit_bits or size is not of this seat_draw");
    this.checkWeights();
    await this.breath(1, 5);
    this.checkSeats();
    await this.breath(2, 5);
    const lots = new Lots(lottery);
    lots.checkSums();
    await this.breath(3, 5);
    lots.residual();
    lots.checkFair();
    lots.checkExact();
    await this.breath(4, 5);
    lots.checkEven(lottery.certificate);
    const people = lots.size.reduce((sum, n) => sum + n, 0);
    return [`${seats.length} 席、${people} 人：资格分组、概率之和、公平、均匀`, `${seats.length} seats, ${people} people: classes, sums, fairness, evenness`];
  }
  void() {
    const events = this.events.filter((row) => row.type === "void");
    const code = this.reveal.void;
    if (code === undefined) {
      need(!events.length && !this.entries("void").length, "有作废事件而公开未说明", "a void that the reveal does not state");
      return ["未作废：公开、事件、日志一致", "not void: reveal, events and log agree"];
    }
    const entry = this.entry("void");
    need(events.length === 1 && this.events.at(-1).type === "void", "作废应是最后一个事件", "the void is not the last event, or not the only one");
    shaped(events[0], EVENTS.void, "events");
    const keys = ["at", "reason", "by", "confirmed_by"];
    need(keys.every((key) => events[0][key] === entry[key]) && events[0].reason === code, "作废的说明不一致", "reveal, events and log state different voids");
    need(entry.by !== entry.confirmed_by, "作废未经两人", "the void is not by two persons");
    need(this.made("seats") || this.events.length === 1, "席位未抽却有换人或替补", "moves or replacements without seats");
    return [`已作废（${code}），两人确认；下列结果均不生效`, `void (${code}), by two persons: nothing in this bundle has effect`];
  }
  mayLack() {
    const none = (kinds) => !this.entries(...kinds).length;
    if (this.voided) return SEAT_KINDS.filter((_, i) => none(SEAT_KINDS.slice(i)));
    return ["void", ...(this.manifest.entropy_seats.length ? [] : SEAT_KINDS.slice(1))];
  }
  digestsLogged() {
    const { manifest, reveal } = this;
    const { k_salt, ...shownReveal } = reveal;
    return {
      manifest: this.hashed(manifest), deposits: this.hashed(manifest.commitments.map(({ party, commitment }) => ({ party, commitment }))),
      entropy: this.hashed(reveal.entropy), entropy_seats: this.hashed(reveal.entropy_seats), seal: reveal.seal, plan: reveal.plan_commitment,
      seats: reveal.seats_seal, void: hexOf(sha256(canonical({ reason: reveal.void ?? null, round_id: manifest.round_id }))),
      reveal: this.hashed(shownReveal),
    };
  }
  logStep() {
    const { manifest, reveal, log } = this;
    need(log.every((row, i) => !i || row.index > log[i - 1].index), "日志序号未升序", "indexes do not ascend");
    checkClock(log.map((row) => stamp(row.entry.at)), "日志");
    need(log.every((row) => ["plan", "period", "sequence", "round_id"].every((key) => row.entry[key] === manifest[key])), "日志条目不属于本批次", "an entry of another round");
    const [came, lacking] = [this.entries(...LOGGED).map((row) => row.type.slice(6)), this.mayLack()];
    need(same(came, LOGGED.filter((kind) => came.includes(kind) || !lacking.includes(kind))), "日志次序不合规或缺少条目", "the log's order breaks a rule, or an entry is missing");
    const wanted = this.digestsLogged();
    for (const kind of came) need(this.entry(kind).digest === wanted[kind], `日志中 round.${kind} 的摘要不同`, `the digest of round.${kind} differs`);
    const bare = [["plan", reveal.plan_commitment], ["seats", reveal.seats_seal]];
    need(bare.every(([kind, value]) => this.made(kind) || value === null), "公开了从未入日志的承诺", "revealed, but never logged");
    need(this.inTime(), "公共随机数过了期限，应作废", "entropy was logged after its deadline: the round is void");
    const late = [];
    if (stamp(this.entry("seal").at) > stamp(manifest.deadlines.sealed_result)) late.push(["；封存逾期", "; sealed late"]);
    if (this.entry("reveal").at.slice(0, 10) > manifest.deadlines.reveal.slice(0, 10)) late.push(["；公开逾期", "; revealed late"]);
    return [`${log.length} 条：次序、时间、摘要${late.map(([zh]) => zh).join("")}`, `${log.length} entries: order, times, digests${late.map(([, en]) => en).join("")}`];
  }
  // The public values were logged by their deadline: together, or each as it was supplied.
  inTime() {
    const limit = stamp(this.manifest.deadlines.entropy);
    if (stamp(this.entry("entropy").at) <= limit) return true;
    const given = this.entries("supplied").filter((row) => row.part === "entropy" && stamp(row.at) <= limit);
    return this.reveal.entropy.every(({ id, value }) => given.some((row) => row.id === id && row.value === value));
  }
  checkpoint() {
    const text = textOf(this.files.get("log/checkpoint").data);
    const rows = this.proven.map((kind) => [kind, this.log.find((row) => row.entry.type === `round.${kind}`)]);
    for (const [kind, row] of rows) checkProof(textOf(this.files.get(`log/proofs/${kind}`).data), text, row);
    need(rows.every(([, row], i) => !i || row.index > rows[i - 1][1].index), "日志次序不合规", "the log's order breaks a rule");
    const note = noteOf(text);
    const where = [`${rows.length} 份证明通到 ${note.origin} 的根（${note.size} 条）`, `${rows.length} proofs lead to the root of ${note.origin}, ${note.size} entries`];
    if (!this.vkeys.length) return [`${where[0]}；未给公钥，签名未核对`, `${where[1]}; no key was given, the signature is unchecked`];
    const names = signers(note, this.vkeys).join("、");
    return [`${where[0]}；${names} 的签名有效`, `${where[1]}; signed by ${names}`];
  }
  firm() {
    if (!this.opening) return new Skip("未提供企业凭据（OPENING.json）", "no firm's opening (OPENING.json) was given");
    const opening = JSON.parse(textOf(this.opening));
    shaped(opening, SHAPES.opening, "OPENING.json");
    const spec = this.manifest.draws.find((row) => row.draw_id === opening.draw_id);
    need(spec && this.manifest.privacy === "sealed" && opening.round_id === this.manifest.round_id, "凭据不属于本封存批次", "the opening is of another round or draw");
    const { public_cells: cells, index } = opening;
    need(cells.length === spec.columns.length - spec.internal.length, "公开列数不符", "another number of public cells");
    const leaf = lp(unhex(opening.blind), cells.join("\t"), unhex(opening.inner_hash));
    need(included(leaf, BigInt(index), BigInt(spec.frame_rows), opening.path.map(unhex), unhex(spec.frame_root), this.suite.hash), "凭据不通到冻结名单的根", "the path does not lead to the frozen frame's root");
    const listed = this.selected[this.manifest.draws.indexOf(spec)].includes(cells[0]);
    need(opening.drawn === listed, "是否抽中与名单不符", "drawn differs from the published list");
    return [`${cells[0]} 在冻结名单第 ${index} 行，${listed ? "抽中" : "未抽中"}`, `${cells[0]} is row ${index} of the frozen frame, ${listed ? "drawn" : "not drawn"}`];
  }
}

// Step, names, the steps that it builds on, its method.
const STEPS = [
  ["container", "容器", "Container", []],
  ["digests", "文件摘要", "File digests", ["container"]],
  ["manifest", "清单", "Manifest", ["digests"], "manifestStep"],
  ["commitments", "秘密与承诺", "Secrets and commitments", ["manifest"]],
  ["entropy", "公共随机数", "Public entropy", ["manifest"]],
  ["keys", "密钥", "Keys", ["commitments", "entropy"], "keysStep"],
  ["frames", "名单摘要", "Frames", ["commitments"]],
  ["draw", "重新抽取", "The draw repeated", ["keys", "frames"]],
  ["seal", "结果封存", "Seal of the results", ["keys", "draw"]],
  ["visits", "检查、入户与替补", "Checks, visits, replacements", ["draw"]],
  ["schedule", "行程的硬性规则与调整", "The schedule's hard rules and changes", ["visits"]],
  ["plan", "方案摘要", "Plan hash", ["keys", "schedule"]],
  ["roster", "人员名册", "Roster", ["manifest"]],
  ["lottery", "人员概率：公平、均匀", "Inspectors' probabilities: fair and even", ["plan", "roster"]],
  ["assignment", "人员抽签重做", "The seats drawn again", ["lottery"]],
  ["void", "作废", "Void", ["manifest"]],
  ["log", "日志", "Log", ["manifest"], "logStep"],
  ["checkpoint", "签名检查点", "Signed checkpoint", ["log"]],
  ["firm", "企业凭据", "A firm's opening", ["draw"]],
];

// Lets the page breathe during long work, at most ten times a second, and says how far it is.
function breather(progress) {
  let last = Date.now();
  return async (done, total) => {
    if (Date.now() - last < 100) return;
    progress(done, total);
    await new Promise((resume) => setTimeout(resume));
    last = Date.now();
  };
}

// All steps of a bundle: {ok, void, lines: [{step, zh, en, status: OK|FAIL|SKIP, detail: [zh, en]}]}.
async function verify(data, { vkey, opening, begun = () => {}, shownStep = async () => {}, progress = () => {} } = {}) {
  const bundle = new Replay(data, { vkey, opening, breath: breather(progress) });
  const [lines, broken] = [[], new Set()];
  for (const [step, zh, en, needs, method = step] of STEPS) {
    begun(zh, en);
    const blocker = needs.find((other) => broken.has(other));
    const line = { step, zh, en, status: "SKIP", detail: ["它所依据的步骤不一致", "a step that it builds on differs"] };
    if (blocker) broken.add(step);
    else
      try {
        const found = await bundle[method]();
        const skipped = found instanceof Skip;
        Object.assign(line, { status: skipped ? "SKIP" : "OK", detail: skipped ? [found.zh, found.en] : found });
      } catch (error) {
        broken.add(step);
        Object.assign(line, { status: "FAIL", detail: [error.zh ?? `内容不合格式（${error.message}）`, error.message] });
      }
    lines.push(line);
    await shownStep(line);
  }
  return { ok: lines.every((line) => line.status !== "FAIL"), void: bundle.reveal?.void, lines };
}
