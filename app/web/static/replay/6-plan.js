// What follows from the draw: checks, plan, seats, void, log, checkpoint; and the runner.
class Replay extends Bundle {
  get planned() {
    return this.has("visits.json");
  }
  visits() {
    if (!this.planned) return unmade();
    const { visits, checks, unscheduled } = this.json("visits");
    const wanted = new Map();
    this.manifest.draws.forEach((spec, i) => {
      for (const target of this.selected[i])
        for (const department of spec.departments ?? [spec.department]) {
          const key = `${target}\t${department}`;
          wanted.set(key, [...(wanted.get(key) ?? []), spec.draw_id]);
        }
    });
    for (const check of checks) {
      const draws = wanted.get(`${check.target_id}\t${check.department}`);
      need(draws && same(draws, check.draws) && check.minutes > 0 && check.items.length, `检查 ${check.check_id} 不应有`, `check ${check.check_id} should not be`);
      const items = this.manifest.draws.filter((spec) => draws.includes(spec.draw_id)).map((spec) => spec.items);
      need(items.some((list) => !list) || check.items.every((item) => items.flat().includes(item)), `检查 ${check.check_id} 的事项不在抽取之列`, `check ${check.check_id}: an item of no draw`);
    }
    need(wanted.size === checks.length && unique(checks.map((row) => `${row.target_id}\t${row.department}`)), "抽中对象与检查不一一对应", "checks are not one for each drawn target and department");
    const lists = [[visits, "visit_id"], [checks, "check_id"], [unscheduled, "check_id"]];
    need(lists.every(([rows, key]) => ascending(rows.map((row) => row[key]))), "次序不合规", "a list is out of order");
    const placed = [...visits.flatMap((row) => row.checks), ...unscheduled.map((row) => row.check_id)].sort(order);
    need(same(placed, checks.map((row) => row.check_id)), "有检查未安排或重复安排", "a check is in no visit or in two");
    const target = new Map(checks.map((row) => [row.check_id, row.target_id]));
    need(visits.every((row) => row.checks.every((id) => target.get(id) === row.target_id)), "入户与检查的对象不同", "a visit has a check of another target");
    return [`${checks.length} 项检查 = 抽中 × 部门，各在一次入户`, `${checks.length} checks = drawn × departments, each in one visit`];
  }
  schedule() {
    return ELSEWHERE;
  }
  seats() {
    return ELSEWHERE;
  }
  plan() {
    if (!this.planned) return unmade();
    const lottery = this.json("lottery");
    const groups = lottery.groups.map(({ group_id, members, cap, weight, load }) => ({ group_id, members, cap, weight, load }));
    const { classes, district_rule, roster_hash, seats, unit_bits } = lottery;
    const bound = { classes, district_rule, groups, roster_hash, routes: this.json("schedule").routes, seats, unit_bits, visits: this.json("visits").visits };
    const found = this.hashed(bound);
    this.planHash = unhex(found);
    const commitment = hexOf(this.suite.hash(lp("DR1/plan", this.keys.seal, this.planHash)));
    need(found === lottery.plan_hash, `方案摘要 ${found} 不同`, `plan hash ${found} differs`);
    need(commitment === this.reveal.plan_commitment && commitment === this.entry("plan").digest, "方案承诺与公开或日志不同", "the plan's commitment differs from reveal or log");
    return [`方案摘要 ${found}，承诺 = 公开 = 日志`, `plan hash ${found}, commitment = reveal = log`];
  }
  roster() {
    const named = this.manifest.roster_hash;
    need(!this.planned || this.json("lottery").roster_hash === named, "名册摘要与清单不同", "roster hash differs from the manifest");
    if (this.copy === "public") return [`名册摘要 ${named} = 清单`, `roster hash ${named} = manifest`];
    need(this.hashed(this.json("roster")) === named, "名册摘要与清单不同", "hash of the roster differs from the manifest");
    return [`名册摘要 ${named} = 清单`, `hash of the roster ${named} = manifest`];
  }
  lottery() {
    if (!this.planned) return unmade();
    const { seats, classes, groups, unit_bits } = this.json("lottery");
    need(unit_bits === (this.manifest.seat_draw === "observable" ? 10 : 20), "概率单位不合规", "unit_bits breaks a rule");
    const B = 1n << BigInt(unit_bits);
    need(same(classes.flatMap((row) => row.seats).sort(order), seats.map((row) => row.seat_id)), "席位不恰在一类", "a seat is not in exactly one class");
    need(unique(groups.flatMap((row) => row.members)), "有人在两组", "somebody is in two groups");
    const [sums, days] = [new Map(), new Map()];
    for (const row of classes) {
      need(row.units.length === row.groups.length && row.units.every((unit) => unit >= 0), "概率单位不合规", "units break a rule");
      need(row.units.reduce((sum, unit) => sum + BigInt(unit), 0n) === BigInt(row.seats.length) * B, `${row.class_id} 概率之和不是席位数`, `${row.class_id}: probabilities do not add up to its seats`);
      row.groups.forEach((id, i) => {
        for (const [map, key] of [[sums, id], [days, `${id}\t${row.date}`]]) map.set(key, (map.get(key) ?? 0n) + BigInt(row.units[i]));
      });
    }
    this.checkGroups(groups, seats, sums, days, B);
    return [`${seats.length} 个席位的概率之和、各组负担与每日上限`, `sums of ${seats.length} seats' probabilities, loads, a day's limit`];
  }
  checkGroups(groups, seats, sums, days, B) {
    let total = [0n, 1n];
    for (const group of groups) {
      const members = BigInt(group.members.length);
      const [p, q = 1n] = group.load.split("/").map(BigInt);
      const [sum, exact] = [sums.get(group.group_id) ?? 0n, members * p * B];
      need(sum === exact / q || sum === (exact + q - 1n) / q, `${group.group_id} 概率之和与负担不同`, `${group.group_id}: probabilities differ from its load`);
      need(shown([p, q]) === group.load && p <= BigInt(group.cap) * q, `${group.group_id} 负担不合规`, `${group.group_id}: its load breaks a rule`);
      total = plus(total, [members * p, q]);
      for (const [key, day] of days) need(!key.startsWith(`${group.group_id}\t`) || day <= members * B, `${key} 一日超过人数`, `${key}: more than its members on a day`);
    }
    need(total[0] === total[1] * BigInt(seats.length), "负担之和不是席位数", "loads do not add up to the seats");
  }
  assignment() {
    if (!this.planned || (this.reveal.void !== undefined && !this.logged("seats"))) return unmade();
    const { assignment, seats, classes, groups } = this.json("lottery");
    const found = hexOf(this.suite.hash(lp("DR1/seats-seal", this.keys.seal, canonical(assignment))));
    need(!seats.length && this.reveal.seats_seal === null ? true : found === this.reveal.seats_seal && found === this.entry("seats").digest, "人员名单的封存与公开或日志不同", "the seats' seal differs from reveal or log");
    const groupOf = new Map(groups.flatMap((row) => row.members.map((code) => [code, row])));
    const [busy, served] = [new Set(), new Map()];
    for (const row of classes)
      for (const seat of row.seats) {
        const code = assignment[seat];
        const place = row.groups.indexOf(groupOf.get(code)?.group_id);
        need(place >= 0 && row.units[place] > 0 && !busy.has(`${code}\t${row.date}`), `${seat} 的人员不合规`, `${seat}: its inspector may not sit there`);
        busy.add(`${code}\t${row.date}`);
        served.set(code, (served.get(code) ?? 0n) + 1n);
      }
    need(Object.keys(assignment).length === seats.length, "席位数与名单不同", "another number of seats is assigned");
    for (const [code, { load }] of groupOf) {
      const [p, q = 1n] = load.split("/").map(BigInt);
      const own = served.get(code) ?? 0n;
      need(own === p / q || own === (p + q - 1n) / q, `${code} 的席位数不是期望的上下取整`, `${code}: seats are not the load rounded down or up`);
    }
    return [`封存 ${found} = 公开 = 日志；无人一日两席，负担为期望取整`, `seal ${found} = reveal = log; nobody twice a day, loads rounded`];
  }
  void() {
    const events = this.events.filter((row) => row.type === "void");
    const code = this.reveal.void;
    if (code === undefined) {
      need(!events.length && !this.logged("void"), "有作废事件而公开未说明", "a void that the reveal does not state");
      return ["未作废：公开、事件、日志一致", "not void: reveal, events and log agree"];
    }
    const [entry, event] = [this.entry("void"), this.events.at(-1)];
    const keys = ["at", "reason", "by", "confirmed_by"];
    need(events.length === 1 && event.type === "void" && keys.every((key) => event[key] === entry[key]) && event.reason === code, "作废的说明不一致", "reveal, events and log state different voids");
    need(entry.by !== entry.confirmed_by && entry.digest === hexOf(sha256(canonical({ reason: code, round_id: this.manifest.round_id }))), "作废未经两人或摘要不符", "the void is not by two persons, or its digest differs");
    return [`已作废（${code}），两人确认`, `void (${code}), by two persons`];
  }
  log() {
    const { manifest, entries, reveal } = this;
    const types = entries.map((row) => row.entry.type.replace(/^round\./, ""));
    const wanted = ["manifest", "deposits", "entropy", "seal", "plan", "entropy_seats", "seats", "void", "reveal"].filter((kind) => types.includes(kind));
    need(same(types.filter((kind) => wanted.includes(kind)), wanted), "日志次序不合规", "the log's order breaks a rule");
    const must = ["manifest", "deposits", "entropy", "seal", "reveal", ...(reveal.void === undefined ? ["plan", ...(manifest.entropy_seats.length ? ["entropy_seats", "seats"] : [])] : ["void"])];
    need(must.every((kind) => types.includes(kind)) && types.at(-1) === "reveal", "日志缺少条目", "an entry is missing in the log");
    need(entries.every((row, i) => !i || (row.index > entries[i - 1].index && order(stamp(entries[i - 1].entry.at), stamp(row.entry.at)) <= 0)), "日志序号或时间倒退", "index or time goes back");
    const facts = ["plan", "period", "sequence", "round_id"];
    need(entries.every((row) => facts.every((key) => row.entry[key] === manifest[key])), "日志条目不属于本批次", "an entry of another round");
    const list = manifest.commitments.map(({ party, commitment }) => ({ party, commitment }));
    need(this.entry("deposits").digest === this.hashed(list), "交存的摘要与清单不同", "the deposits' digest differs");
    const { k_salt, ...shownReveal } = reveal;
    need(this.entry("reveal").digest === this.hashed(shownReveal), "公开的摘要与日志不同", "the reveal's digest differs from the log");
    const late = order(stamp(this.entry("entropy").at), stamp(manifest.deadlines.entropy)) > 0;
    need(!late || types.includes("supplied"), "公共随机数过了期限", "entropy was logged after its deadline");
    return [`${entries.length} 条：次序、时间、摘要`, `${entries.length} entries: order, times, digests`];
  }
  checkpoint() {
    const text = textOf(this.files.get("log/checkpoint").data);
    const kinds = ["manifest", "seal", ...(this.reveal.void === undefined ? [] : ["void"]), "reveal"];
    for (const kind of kinds)
      checkProof(textOf(this.files.get(`log/proofs/${kind}`).data), text, this.entries.find((row) => row.entry.type === `round.${kind}`));
    const note = noteOf(text);
    const named = `${note.origin}，${note.size}`;
    if (!this.vkey) return [`${kinds.length} 份证明通到检查点的根（${named} 条）；未给公钥，签名未核对`, `${kinds.length} proofs lead to the root of ${note.origin}, ${note.size} entries; no key was given, the signature is unchecked`];
    need(signedBy(note, this.vkey), "检查点没有该公钥的签名", "the checkpoint is not signed by that key");
    return [`${kinds.length} 份证明通到已签名的根（${named} 条）`, `${kinds.length} proofs lead to the signed root of ${note.origin}, ${note.size} entries`];
  }
}

// A moment as text that sorts: whole seconds of the epoch, then nine decimals.
function stamp(at) {
  const [, whole, decimals = "", zone] = at.match(/^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(\+08:00)$/) ?? [];
  need(whole, `时间不合规：${at}`, `a time breaks the rule: ${at}`);
  return `${String(Date.parse(whole + zone) / 1000).padStart(12, "0")}.${decimals.padEnd(9, "0")}`;
}

// All steps of a bundle: [{step, zh, en, status: OK|FAIL|SKIP, detail: [zh, en]}]; a step after a failure of reading is skipped.
async function verify(data, { vkey = "", shownStep = async () => {} } = {}) {
  const bundle = new Replay(data, vkey);
  const lines = [];
  let broken = false;
  for (const [step, zh, en] of STEPS) {
    let line = { step, zh, en, status: "SKIP", detail: ["前面的步骤不一致", "an earlier step failed"] };
    if (!broken) {
      try {
        const found = bundle[step === "manifest" ? "manifestStep" : step]();
        const skipped = found instanceof Skip;
        line = { ...line, status: skipped ? "SKIP" : "OK", detail: skipped ? [found.zh, found.en] : found };
      } catch (error) {
        broken = true;
        line = { ...line, status: "FAIL", detail: [error.zh ?? `内容不合格式（${error.message}）`, error.message] };
      }
    }
    lines.push(line);
    await shownStep(line);
  }
  return { ok: !broken, lines };
}
