// The steps of docs/bundle.md, one function each: gives back what was compared [zh, en], or throws what differs.
const STEPS = [
  ["container", "容器", "Container"], ["digests", "文件摘要", "File digests"], ["manifest", "清单", "Manifest"],
  ["commitments", "秘密与承诺", "Secrets and commitments"], ["entropy", "公共随机数", "Public entropy"],
  ["frames", "名单摘要", "Frames"], ["draw", "重新抽取", "The draw repeated"], ["seal", "结果封存", "Seal of the results"],
  ["visits", "检查与入户", "Checks and visits"], ["schedule", "行程的硬性规则与替补", "The schedule's hard rules and replacements"],
  ["plan", "方案摘要", "Plan hash"], ["roster", "人员名册", "Roster"],
  ["lottery", "人员概率", "Inspectors' probabilities"], ["assignment", "人员名单", "Assignment"], ["seats", "人员抽签与公平性", "The seats' lottery and its fairness"], ["void", "作废", "Void"],
  ["log", "日志", "Log"], ["checkpoint", "签名检查点", "Signed checkpoint"],
];
class Skip {
  constructor(zh, en) {
    [this.zh, this.en] = [zh, en];
  }
}
const AUDITOR = new Skip("依法不公开，由持审计副本的人核对", "kept from the public by law; whoever has the auditor's copy checks it");
const ELSEWHERE = new Skip("本页不核对，请运行归档里的 verify.py", "not checked by this page: run verify.py of the bundle");
const unmade = () => new Skip("批次作废前尚未形成", "not made: round void");
const unique = (values) => new Set(values).size === values.length;

function walk(value, visit) {
  visit(value);
  if (value && typeof value === "object") for (const [key, item] of Object.entries(value)) [walk(key, visit), walk(item, visit)];
}

class Bundle {
  constructor(data, vkey) {
    [this.raw, this.vkey] = [data, vkey];
  }
  json(name) {
    const file = this.files.get(`${name}.json`);
    need(file, `缺少 ${name}.json`, `${name}.json is missing`);
    const text = textOf(file.data);
    const value = JSON.parse(text);
    walk(value, (item) => need(typeof item !== "number" || Number.isSafeInteger(item), `${name}.json 含小数`, `${name}.json: a fraction`));
    need(`${canonical(value)}\n` === text, `${name}.json 不是规范 JSON`, `${name}.json is not canonical JSON`);
    return value;
  }
  has(name) {
    return this.files.has(name);
  }
  get hidden() {
    return this.manifest.privacy === "sealed" && this.copy === "public";
  }
  hashed(value) {
    return hexOf(this.suite.hash(canonical(value)));
  }
  entry(kind) {
    const rows = this.entries.filter((row) => row.entry.type === `round.${kind}`);
    need(rows.length === 1, `日志中 round.${kind} 应恰有一条`, `round.${kind} must stand once in the log`);
    return rows[0].entry;
  }
  logged(kind) {
    return this.entries.some((row) => row.entry.type === `round.${kind}`);
  }
  container() {
    this.files = unzipped(this.raw);
    return [`${this.files.size} 个文件，头部逐字节重建`, `${this.files.size} files, every header byte rebuilt`];
  }
  digests() {
    const { copy, files } = this.json("digests");
    this.copy = copy;
    const found = [...this.files].slice(0, -1).map(([name, file]) => ({
      name, size: file.data.length, sha256: hexOf(sha256(file.data)), packed_sha256: hexOf(sha256(file.packed)),
    }));
    for (const [i, row] of found.entries()) need(same(row, files[i] ?? null), `${row.name} 的 SHA-256 不符`, `${row.name}: SHA-256 differs`);
    need(files.length === found.length && ["public", "auditor"].includes(copy), "文件数不符", "another number of files");
    return [`${found.length} 个文件的 SHA-256 与 digests.json`, `SHA-256 of ${found.length} files with digests.json`];
  }
  expectedFiles() {
    const ids = this.manifest.draws.map((spec) => spec.draw_id);
    const planned = this.reveal.void === undefined || this.logged("plan") ? ["visits.json", "schedule.json", "lottery.json"] : [];
    const kinds = ["manifest", "seal", "reveal", ...(this.reveal.void === undefined ? [] : ["void"])];
    return [
      "manifest.json", "reveal.json", "events.json", "verify.py", "log/entries.json", "log/checkpoint", "digests.json", ...planned,
      ...kinds.map((kind) => `log/proofs/${kind}`), ...ids.map((id) => `results/${id}.json`),
      ...(this.hidden ? [] : ids.flatMap((id) => [`frames/${id}.tsv`, `excluded/${id}.tsv`])),
      ...(this.copy === "auditor" ? ["roster.json"] : []),
    ];
  }
  checkRule(rule) {
    const { ratio_ppm: ratio, min, max, rounding } = rule;
    const good = 0 <= ratio && ratio <= 1e6 && 0 <= min && (max === null || min <= max) && ["ceil", "systematic"].includes(rounding);
    need(good, "抽查比例规则不合规", "a rule is out of bounds");
  }
  checkSpec(spec) {
    const sealed = this.manifest.privacy === "sealed";
    const rules = [spec.default, ...spec.strata];
    rules.forEach((rule) => this.checkRule(rule));
    const { columns, internal, strata_by: by } = spec;
    need(columns[0] === "target_id" && unique(columns) && by.every((name) => columns.includes(name)), "名单的列不合规", "columns break a rule");
    need(internal.every((name) => columns.includes(name) && name !== "target_id") && (sealed || !internal.length), "内部列不合规", "internal columns break a rule");
    need(spec.strata.every((rule) => rule.key.length === by.length) && unique(spec.strata.map((rule) => rule.key.join("\t"))), "分层键不合规", "stratum keys break a rule");
    const cool = spec.cooldown;
    need(cool === null || (columns.includes("recent") && !by.includes("recent") && 0 <= cool.lambda_ppm && cool.lambda_ppm <= 1e6), "近期检查规则不合规", "the cool-down breaks a rule");
    need(["round", "own"].includes(spec.stream) && spec.backups >= 0 && spec.frame_rows >= 0, "抽取规则不合规", "the draw breaks a rule");
  }
  checkCommon() {
    const { manifest } = this;
    walk(manifest, (item) => {
      need(typeof item !== "boolean", "清单含布尔值", "a boolean in the manifest");
      need(typeof item !== "string" || goodValue(item), `清单文字不合规：${item}`, `text against the rule: ${item}`);
    });
    need(["open", "sealed"].includes(manifest.privacy) && manifest.sequence >= 1, "清单不合规", "the manifest breaks a rule");
    need(manifest.draws.length && ascending(manifest.draws.map((spec) => spec.draw_id)), "抽取未按序", "draws out of order");
    const { commitments } = manifest;
    need(commitments.length && ascending(commitments.map((row) => row.party)), "承诺未按序", "commitments out of order");
    need(unique(commitments.map((row) => row.commitment)), "两个承诺相同", "two equal commitments");
    const sources = [...manifest.entropy, ...manifest.entropy_seats];
    need(manifest.entropy.length && unique(sources.map((row) => row.id)), "公共随机来源不合规", "entropy sources break a rule");
    need(sources.every((row) => ["utf8", "hex"].includes(row.encoding)), "公共随机编码不合规", "unknown encoding");
    const times = ["entropy", "sealed_result", "reveal"].map((key) => Date.parse(manifest.deadlines[key]));
    need(times[0] <= times[1] && times[1] <= times[2], "期限次序不合规", "deadlines out of order");
  }
  manifestStep() {
    this.manifest = this.json("manifest");
    this.reveal = this.json("reveal");
    this.entries = this.json("log/entries");
    this.events = this.json("events");
    this.suite = suiteOf(this.manifest.suite);
    this.checkCommon();
    this.manifest.draws.forEach((spec) => this.checkSpec(spec));
    need(same([...this.files.keys()].sort(), this.expectedFiles().sort()), "文件与规定的不同", "other files than there must be");
    const found = this.hashed(this.manifest);
    need(found === this.reveal.manifest_hash && found === this.entry("manifest").digest, `清单摘要 ${found} 与公开或日志不同`, `manifest hash ${found} differs from reveal or log`);
    need(this.json("digests").round_id === this.manifest.round_id && this.reveal.round_id === this.manifest.round_id, "批次编号不同", "round_id differs");
    const code = hexOf(sha256(this.files.get("verify.py").data));
    need(this.reveal.verifier === undefined || this.reveal.verifier === code, "verify.py 与公开的摘要不同", "verify.py differs from the reveal");
    return [`清单摘要 ${found} = 公开 = 日志`, `manifest hash ${found} = reveal = log`];
  }
  commitments() {
    const { suite, reveal, manifest } = this;
    need(same(reveal.secrets.map((row) => row.party), manifest.commitments.map((row) => row.party)), "参与方与承诺的不同", "parties differ from those committed");
    reveal.secrets.forEach((row, i) => {
      const secret = unhex(row.secret);
      const found = hexOf(suite.hash(lp("DR1/commit", manifest.round_id, row.party, secret)));
      need(secret.length === 32 && found === manifest.commitments[i].commitment, `${row.party} 的秘密与承诺不符`, `${row.party}: the secret does not open its commitment`);
    });
    this.checkSalt();
    return [`${reveal.secrets.length} 方的秘密逐一与承诺`, `${reveal.secrets.length} secrets with their commitments`];
  }
  checkSalt() {
    const { k_salt: salt } = this.reveal;
    const wanted = this.manifest.privacy === "sealed" && this.copy === "auditor";
    need((salt !== undefined) === wanted, "k_salt 不应有或缺失", "k_salt is missing or out of place");
    if (!wanted) return;
    this.salt = unhex(salt);
    const found = hexOf(this.suite.hash(lp("DR1/salt", this.manifest.round_id, this.salt)));
    need(found === this.manifest.salt_commitment && this.salt.length === 32, "k_salt 与承诺不符", "k_salt does not open its commitment");
  }
  checkValues(name) {
    const [sources, values] = [this.manifest[name], this.reveal[name]];
    if (name === "entropy_seats" && !values.length && this.reveal.void !== undefined && !this.logged("seats")) return;
    need(same(sources.map((row) => row.id), values.map((row) => row.id)), "公共随机来源与清单不同", "entropy ids differ from the manifest");
    for (const [i, row] of values.entries()) {
      need(row.value !== "" && (sources[i].encoding === "hex" || goodValue(row.value)), "公共随机数不合规", "an entropy value breaks a rule");
      entropyBytes(sources[i], row.value);
    }
    if (!sources.length) return;
    const entry = this.entry(name);
    need(same(entry.values, values) && entry.digest === this.hashed(values), "公共随机数与日志不同", "entropy differs from the log");
  }
  entropy() {
    this.checkValues("entropy");
    this.checkValues("entropy_seats");
    const { manifest, reveal } = this;
    const bits = manifest.entropy.reduce((sum, row) => sum + row.bits, 0);
    const most = manifest.demo || manifest.commitments.length < 2 ? 0 : bits >= 64 ? 2 : 1;
    need([0, 1, 2].includes(reveal.assurance) && reveal.assurance <= most, "可信等级高于应有", "assurance above what it may be");
    this.keys = keysOf(this.suite, manifest, reveal);
    const values = reveal.entropy.map((row) => `${row.id}：${row.value}`).join("；");
    return [`公开 = 日志：${values}`, `reveal = log: ${values}`];
  }
  frames() {
    if (this.hidden) return AUDITOR;
    const { suite, manifest, files, salt } = this;
    this.rows = manifest.draws.map((spec) => checkFrame(suite, spec, files, salt));
    const n = this.rows.reduce((sum, rows) => sum + rows.length, 0);
    return [`${manifest.draws.length} 份名单 ${n} 行：次序、文字、摘要`, `${manifest.draws.length} frames of ${n} rows: order, text, digest`];
  }
  publicDraw(spec, result) {
    need(same(Object.keys(result).sort(), ["draw_id", "n", "selected"]) && result.draw_id === spec.draw_id, "公开结果不合规", "the result breaks a rule");
    const good = ascending(result.selected) && result.selected.every((id) => /^[0-9A-Z._:-]{1,64}$/.test(id));
    need(good && result.n === result.selected.length && result.n <= spec.frame_rows, `${spec.draw_id} 抽中名单不合规`, `${spec.draw_id}: the list breaks a rule`);
    const rules = [spec.default, ...spec.strata];
    const N = BigInt(spec.frame_rows);
    const sizes = sizesOf(spec.default, N).map(([n]) => n);
    const possible = spec.strata_by.length || spec.strata.length ? rules.some((rule) => rule.ratio_ppm || rule.min) || !result.n : sizes.includes(BigInt(result.n)) || !N;
    need(possible, `${spec.draw_id} 抽中数不合规则`, `${spec.draw_id}: n is not what the rules allow`);
  }
  draw() {
    this.results = this.manifest.draws.map((spec) => this.json(`results/${spec.draw_id}`));
    this.manifest.draws.forEach((spec, i) => {
      if (this.hidden) return this.publicDraw(spec, this.results[i]);
      const found = { draw_id: spec.draw_id, strata: drawn(this.suite, spec, this.keys, this.rows[i], this.salt) };
      found.strata.forEach((stratum, j) => need(same(stratum, this.results[i].strata[j] ?? null), `${spec.draw_id} 第 ${j + 1} 层重抽结果不同`, `${spec.draw_id}: stratum ${j + 1} drawn again differs`));
      need(same(found, this.results[i]), `${spec.draw_id} 重抽结果不同`, `${spec.draw_id}: the draw repeated differs`);
    });
    this.selected = this.results.map((row) => (this.hidden ? row.selected : row.strata.flatMap((stratum) => stratum.selected.map((item) => item.target_id))));
    const n = this.selected.reduce((sum, ids) => sum + ids.length, 0);
    return this.hidden ? [`抽中 ${n} 户：次序与数目`, `${n} drawn: order and counts`] : [`号码、分层、数目、抽中与候补 ${n} 户全部重算`, `numbers, strata, sizes, ${n} selected and the backups derived again`];
  }
  seal() {
    const { suite, reveal, salt, keys } = this;
    need(reveal.seal === this.entry("seal").digest, "封存摘要与日志不同", "the seal differs from the log");
    if (this.hidden) return [`公开 = 日志：${reveal.seal}`, `reveal = log: ${reveal.seal}`];
    const ids = (items) => items.map((item) => item.target_id);
    const bare = this.results.map(({ draw_id, strata }) => ({
      draw_id, strata: strata.map(({ cutoff, ...stratum }) => ({ ...stratum, selected: ids(stratum.selected), backups: ids(stratum.backups) })),
    }));
    const found = hexOf(suite.hash(lp("DR1/seal", keys.seal, ...(salt ? [suite.mac(salt, lp("seal"))] : []), canonical(bare))));
    need(found === reveal.seal, `结果的封存 ${found} 与公开的不同`, `seal of the results ${found} differs`);
    return [`${found} = 公开 = 日志`, `${found} = reveal = log`];
  }
}
