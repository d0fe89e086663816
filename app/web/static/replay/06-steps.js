// The steps of docs/bundle.md up to the seal, one method each: gives back what was compared [zh, en], or throws what differs.
class Skip {
  constructor(zh, en) {
    [this.zh, this.en] = [zh, en];
  }
}
const AUDITOR = new Skip("依法不公开，由持审计副本的人核对", "kept from the public by law; whoever has the auditor's copy checks it");
const UNMADE = new Skip("批次作废前尚未形成", "not made: round void");
const unique = (values) => new Set(values).size === values.length;
const SEAT_KINDS = ["plan", "entropy_seats", "seats"];
// What is given to know a drand round's time by: its first moment in Unix seconds, and seconds a round.
const DRAND = { quicknet: [1692803367, 3], mainnet: [1595431050, 30] };

class Bundle {
  constructor(data, { vkey = "", opening = null, breath = async () => {} } = {}) {
    [this.raw, this.vkeys, this.opening, this.breath, this.read] = [data, vkey.split(/\s+/).filter(Boolean), opening, breath, new Map()];
  }
  json(name, shape = SHAPES[name]) {
    if (!this.read.has(name)) {
      const file = this.files.get(`${name}.json`);
      need(file, `缺少 ${name}.json`, `${name}.json is missing`);
      const value = strictJson(file.data, `${name}.json`);
      shaped(value, shape, name);
      this.read.set(name, value);
    }
    return this.read.get(name);
  }
  get events() {
    return this.json("events");
  }
  get hidden() {
    return this.manifest.privacy === "sealed" && this.copy === "public";
  }
  get voided() {
    return this.reveal.void !== undefined;
  }
  hashed(value) {
    return hexOf(this.suite.hash(canonical(value)));
  }
  entries(...kinds) {
    return this.log.map((row) => row.entry).filter((entry) => kinds.some((kind) => entry.type === `round.${kind}`));
  }
  entry(kind) {
    const rows = this.entries(kind);
    need(rows.length === 1, `日志中 round.${kind} 应恰有一条`, `round.${kind} must stand once in the log`);
    return rows[0];
  }
  // A void round has come to what its log says, any other to everything.
  made(kind) {
    return !this.voided || this.entries(kind).length > 0;
  }
  get proven() {
    return ["manifest", "seal", ...(this.voided ? ["void"] : []), "reveal"];
  }
  async container() {
    this.files = await unzipped(this.raw, this.breath);
    return [`${this.files.size} 个文件，头部逐字节重建`, `${this.files.size} files, every header byte rebuilt`];
  }
  async digests() {
    const own = this.files.get("digests.json");
    need(crc32(own.data) === own.crc && own.size === own.data.length, "digests.json 校验和不符", "digests.json: checksum differs");
    const { copy, files } = this.json("digests");
    this.copy = copy;
    const found = [...this.files].slice(0, -1);
    need(same(files.map((row) => row.name), found.map(([name]) => name)), "digests.json 所列文件不符", "digests.json lists other files");
    for (const [i, [name, { data, packed }]] of found.entries()) {
      await this.breath(i, found.length);
      const row = { name, size: data.length, sha256: hexOf(sha256(data)), packed_sha256: hexOf(sha256(packed)) };
      need(same(row, files[i]), `${name} 的 SHA-256 不符`, `${name}: SHA-256 differs`);
    }
    return [`${found.length} 个文件的 SHA-256 与 digests.json`, `SHA-256 of ${found.length} files with digests.json`];
  }
  expectedFiles() {
    const ids = this.manifest.draws.map((spec) => spec.draw_id);
    const docs = ["manifest", "reveal", "events", "log/entries", ...(this.made("plan") ? ["visits", "schedule", "lottery"] : [])];
    return [
      ...[...docs, ...(this.copy === "auditor" ? ["roster"] : []), ...ids.map((id) => `results/${id}`), "digests"].map((name) => `${name}.json`),
      "verify.py", "log/checkpoint", ...this.proven.map((kind) => `log/proofs/${kind}`),
      ...(this.hidden ? [] : ids.flatMap((id) => [`frames/${id}.tsv`, `excluded/${id}.tsv`])),
    ];
  }
  checkSpec(spec) {
    const sealed = this.manifest.privacy === "sealed";
    const { columns, internal, strata_by: by, cooldown, draw_id: id } = spec;
    const lists = [columns, internal, by, spec.strata.map((rule) => canonical(rule.key)), spec.departments ?? []];
    need(lists.every(unique), `${id} 有重复`, `${id}: a value repeats`);
    const rules = [spec.default, ...spec.strata];
    need(rules.every(({ min, max }) => max === null || min <= max), `${id} 的抽查比例规则不合规`, `${id}: a rule is out of bounds`);
    need(columns[0] === "target_id" && columns.length <= 64 && by.every((name) => columns.includes(name)), "名单的列不合规", "columns break a rule");
    need(internal.every((name) => columns.includes(name) && name !== "target_id") && (sealed || !internal.length), "内部列不合规", "internal columns break a rule");
    need(Object.hasOwn(spec, sealed ? "frame_root" : "frame_hash"), `${id} 缺少名单摘要`, `${id} lacks the digest of its frame`);
    need(spec.strata.every((rule) => rule.key.length === by.length), "分层键不合规", "stratum keys break a rule");
    need(cooldown === null || (columns.includes("recent") && !by.includes("recent")), "近期检查规则不合规", "the cool-down breaks a rule");
    need(!spec.departments || spec.departments[0] === spec.department, "部门次序不合规", "departments do not begin with the draw's own");
  }
  checkCommon() {
    const { manifest } = this;
    walk(manifest, (item) => {
      need(typeof item !== "boolean", "清单含布尔值", "a boolean in the manifest");
      need(typeof item !== "string" || goodValue(item), `清单文字不合规：${item}`, `text against the rule: ${item}`);
    });
    need(manifest.sequence >= 1 && (manifest.privacy === "open" || manifest.salt_commitment), "清单不合规", "the manifest breaks a rule");
    need(manifest.draws.length && ascending(manifest.draws.map((spec) => spec.draw_id)), "抽取未按序", "draws out of order");
    const { commitments, deadlines } = manifest;
    need(commitments.length && ascending(commitments.map((row) => row.party)), "承诺未按序", "commitments out of order");
    need(unique(commitments.map((row) => row.commitment)), "两个承诺相同", "two equal commitments");
    const sources = [...manifest.entropy, ...manifest.entropy_seats];
    need(manifest.entropy.length && unique(sources.map((row) => row.id)), "公共随机来源不合规", "entropy sources break a rule");
    const times = ["entropy", "sealed_result", "reveal"].map((key) => stamp(deadlines[key]));
    need(times[0] <= times[1] && times[1] <= times[2], "期限次序不合规", "deadlines out of order");
  }
  manifestStep() {
    [this.manifest, this.reveal] = [this.json("manifest"), this.json("reveal")];
    this.log = this.json("log/entries");
    this.suite = suiteOf(this.manifest.suite);
    this.checkCommon();
    this.manifest.draws.forEach((spec) => this.checkSpec(spec));
    need(same([...this.files.keys()].sort(), this.expectedFiles().sort()), "文件与规定的不同", "other files than there must be");
    const found = this.hashed(this.manifest);
    need(found === this.reveal.manifest_hash && found === this.entry("manifest").digest, `清单摘要 ${found} 与公开或日志不同`, `manifest hash ${found} differs from reveal or log`);
    need(this.json("digests").round_id === this.manifest.round_id && this.reveal.round_id === this.manifest.round_id, "批次编号不同", "round_id differs");
    const code = hexOf(sha256(this.files.get("verify.py").data));
    need([undefined, code].includes(this.reveal.verifier), "verify.py 与公开的摘要不同", "verify.py differs from the reveal");
    return [`清单摘要 ${found} = 公开 = 日志`, `manifest hash ${found} = reveal = log`];
  }
  commitments() {
    const { suite, reveal, manifest } = this;
    need(same(reveal.secrets.map((row) => row.party), manifest.commitments.map((row) => row.party)), "参与方与承诺的不同", "parties differ from those committed");
    reveal.secrets.forEach((row, i) => {
      const found = hexOf(suite.hash(lp("DR1/commit", manifest.round_id, row.party, unhex(row.secret))));
      need(found === manifest.commitments[i].commitment, `${row.party} 的秘密与承诺不符`, `${row.party}: the secret does not open its commitment`);
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
    need(found === this.manifest.salt_commitment, "k_salt 与承诺不符", "k_salt does not open its commitment");
  }
  checkValues(name) {
    const [sources, values] = [this.made(name) ? this.manifest[name] : [], this.reveal[name]];
    need(same(sources.map((row) => row.id), values.map((row) => row.id)), "公共随机来源与清单不同", "entropy ids differ from the manifest");
    values.forEach((row, i) => need(row.value !== "" && entropyBytes(sources[i], row.value), "公共随机数不合规", "an entropy value breaks a rule"));
    if (sources.length) need(same(this.entry(name).values ?? null, values), "公共随机数与日志不同", "entropy differs from the log");
  }
  // A drand round says in its name when it came out; one that was out at a moment was no surprise any more.
  ahead(source, at) {
    const [, chain, number] = source.id.match(/^drand (quicknet|mainnet) ([1-9][0-9]{0,11})$/) ?? [];
    if (!chain) return true;
    const [genesis, period] = DRAND[chain];
    const [whole] = stamp(at).split(".");
    return genesis + (Number(number) - 1) * period > Date.parse(`${whole}+08:00`) / 1000;
  }
  entropy() {
    this.checkValues("entropy");
    this.checkValues("entropy_seats");
    const { manifest, reveal } = this;
    const before = this.entry("manifest").at;
    const bits = manifest.entropy.reduce((sum, row) => sum + (this.ahead(row, before) ? row.bits : 0), 0);
    const bound = this.entries("plan").length ? this.entry("plan").at : null;
    need(!bound || manifest.entropy_seats.every((row) => this.ahead(row, bound)), "第二份公共随机数在方案绑定前已公布", "the second entropy was out before the plan was bound");
    const most = manifest.demo || manifest.commitments.length < 2 ? 0 : bits >= 64 ? 2 : 1;
    need(reveal.assurance <= most, "可信等级高于应有", "assurance above what it may be");
    const values = [...reveal.entropy, ...reveal.entropy_seats].map((row) => `${row.id}：${row.value}`).join("；");
    const left = "来源是否真的公布过这些值，请到来源查对（drand 的签名本页不核对）";
    return [`公开 = 日志：${values}。${left}`, `reveal = log: ${values}. That the sources said so is to be looked up there (drand's signature is not checked here)`];
  }
  keysStep() {
    this.keys = keysOf(this.suite, this.manifest, this.reveal);
    return ["由各方秘密与公共随机数导出", "derived from the secrets and the public entropy"];
  }
  async frames() {
    if (this.hidden) return AUDITOR;
    const { suite, manifest, files, salt } = this;
    this.rows = [];
    for (const [i, spec] of manifest.draws.entries()) {
      await this.breath(i, manifest.draws.length);
      this.rows.push(checkFrame(suite, spec, files, salt));
    }
    const n = this.rows.reduce((sum, rows) => sum + rows.length, 0);
    return [`${manifest.draws.length} 份名单 ${n} 行：次序、文字、摘要`, `${manifest.draws.length} frames of ${n} rows: order, text, digest`];
  }
  // What n can be, whatever the strata are: exact where there is but one.
  sizeBounds(spec) {
    const N = BigInt(spec.frame_rows);
    if (!N) return [0n, 0n];
    if (!spec.strata_by.length) {
      const [{ n }] = sized(this.suite, spec, this.keys, [{ text: "", N }]);
      return [n, n];
    }
    const rules = [spec.default, ...spec.strata];
    const ratios = rules.map((rule) => BigInt(rule.ratio_ppm));
    const low = rules.every((rule) => rule.max === null) ? most(0n, (N * least(...ratios) - 1n) / MILLION) : 0n;
    if (spec.default.min || spec.default.rounding === "ceil") return [low, N];
    const extra = spec.strata.reduce((sum, rule) => sum + BigInt(rule.min) + 1n, 1n);
    return [low, least(N, (N * most(...ratios)) / MILLION + extra)];
  }
  publicDraw(spec, result) {
    shaped(result, { draw_id: oneOf(spec.draw_id), n: isCount, selected: [isTarget] }, `results/${spec.draw_id}`);
    const [low, high] = this.sizeBounds(spec);
    need(ascending(result.selected) && result.n === result.selected.length, `${spec.draw_id} 抽中名单不合规`, `${spec.draw_id}: the list breaks a rule`);
    need(low <= BigInt(result.n) && BigInt(result.n) <= high, `${spec.draw_id} 抽中数不在 ${low} 到 ${high} 之间`, `${spec.draw_id}: n is not between ${low} and ${high}`);
  }
  async draw() {
    const { draws } = this.manifest;
    this.results = draws.map((spec) => this.json(`results/${spec.draw_id}`, isObject));
    for (const [i, spec] of draws.entries()) {
      await this.breath(i, draws.length);
      if (this.hidden) this.publicDraw(spec, this.results[i]);
      else {
        const strata = drawn(this.suite, spec, this.keys, this.rows[i], this.salt);
        strata.forEach((stratum, j) => need(same(stratum, this.results[i].strata[j] ?? null), `${spec.draw_id} 第 ${j + 1} 层重抽结果不同`, `${spec.draw_id}: stratum ${j + 1} drawn again differs`));
        need(same({ draw_id: spec.draw_id, strata }, this.results[i]), `${spec.draw_id} 重抽结果不同`, `${spec.draw_id}: the draw repeated differs`);
      }
    }
    this.selected = this.results.map((row) => (this.hidden ? row.selected : row.strata.flatMap((stratum) => stratum.selected.map((item) => item.target_id))));
    const n = this.selected.reduce((sum, ids) => sum + ids.length, 0);
    return this.hidden ? [`抽中 ${n} 户：次序，数目在规则允许之内`, `${n} drawn: order, and counts that the rules allow`] : [`号码、分层、数目、抽中与候补 ${n} 户全部重算`, `numbers, strata, sizes, ${n} selected and the backups derived again`];
  }
  seal() {
    if (this.hidden) return AUDITOR;
    const { suite, reveal, salt, keys } = this;
    const ids = (items) => items.map((item) => item.target_id);
    const bare = this.results.map(({ draw_id, strata }) => ({
      draw_id, strata: strata.map(({ cutoff, ...stratum }) => ({ ...stratum, selected: ids(stratum.selected), backups: ids(stratum.backups) })),
    }));
    const found = hexOf(suite.hash(lp("DR1/seal", keys.seal, ...(salt ? [suite.mac(salt, lp("seal"))] : []), canonical(bare))));
    need(found === reveal.seal && found === this.entry("seal").digest, `结果的封存 ${found} 与公开或日志的不同`, `seal of the results ${found} differs from reveal or log`);
    return [`${found} = 公开 = 日志`, `${found} = reveal = log`];
  }
}
