// The draw of targets (docs/draw.md): keys, numbers, sizes, selection, probabilities. Integers are BigInt.
const MILLION = 1000000n;
const WIDE = 1n << 64n;
const least = (...values) => values.reduce((a, b) => (b < a ? b : a));
const most = (...values) => values.reduce((a, b) => (b > a ? b : a));

function suiteOf(name) {
  const hash = { "DR1-HMAC-SHA256": sha256, "DR1-HMAC-SM3": sm3 }[name];
  need(hash, `不认识算法套件 ${name}`, `unknown suite ${name}`);
  return { hash, mac: (key, message) => hmac(hash, key, message) };
}

const entropyBytes = (source, value) => (source.encoding === "hex" ? unhex(value) : bytesOf(value));

function keysOf(suite, manifest, reveal) {
  const values = manifest.entropy.map((source, i) => [source.id, entropyBytes(source, reveal.entropy[i].value)]);
  const parts = reveal.secrets.flatMap((row) => [row.party, unhex(row.secret)]);
  const prk = suite.mac(unhex(reveal.manifest_hash), lp("DR1/ikm", ...parts, "DR1/entropy", ...values.flat()));
  const key = (...name) => suite.mac(prk, lp("DR1/key", ...name));
  return { key, numbers: key("numbers"), sizes: key("sizes"), inspectors: key("inspectors"), seal: key("seal") };
}

function treeHead(hash, leaves) {
  if (leaves.length === 0) return hash(new Uint8Array());
  const nodes = leaves.map((leaf) => hash(joined(Uint8Array.of(0), leaf)));
  return headOf(hash, nodes);
}
// RFC 9162 section 2.1.1 level by level: an odd last node moves up unchanged.
function headOf(hash, level) {
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 2)
      above.push(i + 1 < level.length ? hash(joined(Uint8Array.of(1), level[i], level[i + 1])) : level[i]);
    level = above;
  }
  return level[0];
}

function frameOf(data, spec) {
  const text = textOf(data);
  need(text.endsWith("\n"), "名单末行没有换行", "the frame's last line has no end");
  const [header, ...rows] = text.slice(0, -1).split("\n").map((line) => line.split("\t"));
  need(same(header, spec.columns), "名单的列与清单不同", "columns differ from the manifest");
  need(rows.length === spec.frame_rows, `名单 ${rows.length} 行，清单 ${spec.frame_rows} 行`, `${rows.length} rows, manifest ${spec.frame_rows}`);
  const recent = spec.columns.indexOf("recent");
  for (const row of rows) {
    const good = row.length === header.length && row.every(goodValue) && isTarget(row[0]);
    need(good, `名单行不合规则：${row[0]}`, `row against the rules: ${row[0]}`);
    need(!spec.cooldown || /^[01]$/.test(row[recent]), `recent 不是 0 或 1：${row[0]}`, `recent is not 0 or 1: ${row[0]}`);
  }
  need(ascending(rows.map((row) => row[0])), "名单未按代码排序", "rows are not in order");
  return rows;
}

function frameRoot(suite, spec, rows, salt) {
  const inner = spec.columns.map((name) => spec.internal.includes(name));
  const leaves = rows.map((row) => {
    const [open, hidden] = [row.filter((_, i) => !inner[i]).join("\t"), row.filter((_, i) => inner[i]).join("\t")];
    const own = (word) => suite.mac(salt, lp(word, spec.draw_id, row[0]));
    return lp(own("leaf"), open, suite.hash(lp("DR1/inner", own("inner"), hidden)));
  });
  return treeHead(suite.hash, leaves);
}

function checkFrame(suite, spec, files, salt) {
  const data = files.get(`frames/${spec.draw_id}.tsv`).data;
  const rows = frameOf(data, spec);
  const found = hexOf(salt ? frameRoot(suite, spec, rows, salt) : suite.hash(data));
  need(found === (salt ? spec.frame_root : spec.frame_hash), `${spec.draw_id} 名单摘要 ${found} 与清单不同`, `${spec.draw_id}: frame digest ${found} differs`);
  const out = files.get(`excluded/${spec.draw_id}.tsv`).data;
  const listed = textOf(out);
  const lines = listed.split("\n").slice(0, -1).map((line) => line.split("\t"));
  const digest = salt ? suite.hash(lp("DR1/excluded", suite.mac(salt, lp("excluded", spec.draw_id)), out)) : suite.hash(out);
  need(hexOf(digest) === spec.excluded_hash, `${spec.draw_id} 排除名单摘要不同`, `${spec.draw_id}: digest of the excluded differs`);
  const inside = new Set(rows.map((row) => row[0]));
  const clean = lines.every((line) => line.length === 2 && isTarget(line[0]) && !inside.has(line[0]) && isName(line[1]));
  need(clean && /(^|\n)$/.test(listed) && ascending(lines.map(([id]) => id)), `${spec.draw_id} 排除名单不合规则`, `${spec.draw_id}: the excluded break a rule`);
  need(spec.excluded_rows === undefined || spec.excluded_rows === lines.length, `${spec.draw_id} 排除行数不同`, `${spec.draw_id}: number of excluded rows differs`);
  return rows;
}

const clampOf = (rule, N) => (x) => least(most(x, BigInt(rule.min)), ...(rule.max === null ? [] : [BigInt(rule.max)]), N);

// Exact fractions [numerator, denominator].
const gcd = (a, b) => (b ? gcd(b, a % b) : a);
const plus = ([a, b], [c, d]) => [a * d + c * b, b * d];
function shown([a, b]) {
  if (b === 0n) return null;
  const common = gcd(a, b) || 1n;
  return b === common ? `${a / common}` : `${a / common}/${b / common}`;
}

// The two sizes that rounding allows, each with its chance: [[n, [p, q]], …].
function sizesOf(rule, N) {
  const clamp = clampOf(rule, N);
  const total = N * BigInt(rule.ratio_ppm);
  if (rule.rounding === "ceil") return [[clamp((total + MILLION - 1n) / MILLION), [1n, 1n]]];
  const [x, f] = [total / MILLION, total % MILLION];
  return [[clamp(x), [MILLION - f, MILLION]], [clamp(x + 1n), [f, MILLION]]];
}

function designParts(sizes, lambda, N, N0, N1) {
  let [sum, recent] = [[0n, 1n], [0n, 1n]];
  for (const [n, [p, q]] of sizes) {
    sum = plus(sum, [n * p, q]);
    const [top, bottom] = [lambda * n * N1, MILLION * N];
    const g = top % bottom;
    for (const [x1, chance] of [[top / bottom, bottom - g], [top / bottom + 1n, g]]) {
      const n1 = least(most(x1, n - N0), N1, n);
      recent = plus(recent, [n1 * p * chance, q * bottom]);
    }
  }
  const others = plus(sum, [-recent[0], recent[1]]);
  return { pi_design0: shown([others[0], others[1] * N0]), pi_design1: shown([recent[0], recent[1] * N1]) };
}

function strataOf(spec, rows) {
  const places = spec.strata_by.map((name) => spec.columns.indexOf(name));
  const strata = new Map();
  for (const row of rows) {
    const key = places.map((place) => row[place]);
    const text = key.join("\t");
    if (!strata.has(text)) strata.set(text, { text, key, rows: [] });
    strata.get(text).rows.push(row);
  }
  return [...strata.values()].sort((a, b) => order(a.text, b.text)).map((stratum) => ({ ...stratum, N: BigInt(stratum.rows.length) }));
}

function parted(spec, keys, suite, stratum, n, numbered) {
  const place = spec.columns.indexOf("recent");
  const [others, recent] = ["0", "1"].map((value) => numbered.filter((item) => item.row[place] === value));
  const [N, N0, N1] = [numbered, others, recent].map((list) => BigInt(list.length));
  const lambda = BigInt(spec.cooldown.lambda_ppm);
  const U = u64(suite.mac(keys.sizes, lp("recent", spec.draw_id, stratum.text)));
  const x1 = (lambda * n * N1 * WIDE + U * MILLION * N) / (MILLION * N * WIDE);
  const n1 = least(most(x1, n - N0), N1, n);
  const n0 = n - n1;
  const first = [...others.slice(0, Number(n0)), ...recent.slice(0, Number(n1))].sort(byNumber);
  const rest = [...others.slice(Number(n0)), ...recent.slice(Number(n1))];
  const numbers = { N0: Number(N0), N1: Number(N1), n0: Number(n0), n1: Number(n1) };
  return { first, rest, more: { ...numbers, ...designParts(sizesOf(stratum.rule, N), lambda, N, N0, N1) } };
}

const byNumber = (a, b) => order(a.number, b.number) || order(a.row[0], b.row[0]);

// Section 5: n of each stratum, in canonical order; its rule is looked up by its key.
function sized(suite, spec, keys, strata) {
  const rules = new Map(spec.strata.map((rule) => [rule.key.join("\t"), rule]));
  const U = u64(suite.mac(keys.sizes, lp("size", spec.draw_id)));
  const level = (c) => (c * WIDE + U * MILLION) / (MILLION * WIDE);
  let C = 0n;
  return strata.map((stratum) => {
    const rule = rules.get(stratum.text) ?? spec.default;
    const step = stratum.N * BigInt(rule.ratio_ppm);
    let x = (step + MILLION - 1n) / MILLION;
    if (rule.rounding === "systematic") {
      x = level(C + step) - level(C);
      C += step;
    }
    return { ...stratum, rule, n: clampOf(rule, stratum.N)(x) };
  });
}

// A draw repeated: strata as results/<draw_id>.json has them.
function drawn(suite, spec, keys, rows, salt) {
  const key = spec.stream === "own" ? keys.key("numbers", spec.draw_id) : keys.numbers;
  const numberOf = (id) => suite.mac(key, salt ? lp(id, suite.mac(salt, lp("number", id))) : lp(id));
  return sized(suite, spec, keys, strataOf(spec, rows)).map((stratum) => {
    const { rule, N, n } = stratum;
    const numbered = stratum.rows.map((row) => ({ row, number: numberOf(row[0]) })).sort(byNumber);
    const split = { first: numbered.slice(0, Number(n)), rest: numbered.slice(Number(n)), more: {} };
    const { first, rest, more } = spec.cooldown ? parted(spec, keys, suite, stratum, n, numbered) : split;
    const design = sizesOf(rule, N).reduce((sum, [size, [p, q]]) => plus(sum, [size * p, q]), [0n, 1n]);
    const list = (items) => items.map((item) => ({ target_id: item.row[0], u: `${u64(item.number)}` }));
    return {
      stratum: stratum.key, N: Number(N), n: Number(n), pi_cond: shown([n, N]), pi_design: shown([design[0], design[1] * N]),
      ...more, cutoff: first.length ? `${u64(first.at(-1).number)}` : null,
      selected: list(first), backups: list(rest.slice(0, spec.backups)),
    };
  });
}
