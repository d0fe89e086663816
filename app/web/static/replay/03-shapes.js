// Strict JSON and the shape of each file (docs/bundle.md): a rule is a predicate of one value, {…} an object's keys.
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/u;
const goodValue = (text) => text === text.normalize("NFC") && !/^ | $/.test(text) && !FORBIDDEN.test(text);
const matching = (pattern) => (value) => typeof value === "string" && pattern.test(value);
const oneOf = (...values) => (value) => values.includes(value);
const orNull = (rule) => (value) => value === null || rule(value);
const isText = (value) => typeof value === "string" && goodValue(value);
const isName = (value) => isText(value) && value !== "";
const isCount = (value) => Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
const isPpm = (value) => isCount(value) && value <= 1e6;
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isDigest = matching(/^[0-9a-f]{64}$/);
const isTarget = matching(/^[0-9A-Z._:-]{1,64}$/);
const isRatio = matching(/^(0|[1-9][0-9]*(\/[1-9][0-9]*)?)$/);
const isDecimal = matching(/^[0-9](\.[0-9]{1,20})?(e[+-][0-9]{1,3})?$/);
const isString = (value) => typeof value === "string";
const anything = () => true;

// A part of a file name that no file system reads as a path, a device or a hidden file.
const safePart = (part) => part !== "" && part[0] !== "." && bytesOf(part).length <= 150 && !/[/\\:*?"<>|]|[\p{C}\p{Zl}\p{Zp}]|[^\P{Zs} ]/u.test(part);
const isFilePart = (value) => isName(value) && safePart(value);
function isDay(value) {
  if (typeof value !== "string" || !/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value) || value < "0001") return false;
  const [year, month, day] = value.split("-").map(Number);
  const made = new Date(0);
  made.setUTCFullYear(year, month - 1, day);
  return made.getUTCMonth() === month - 1 && made.getUTCDate() === day;
}

// A moment (RFC 3339, +08:00) as text that sorts by time: one zone, all digits at fixed places.
function stamp(at) {
  const [, day, clock, decimals = ""] = (typeof at === "string" && at.match(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\+08:00$/)) || [];
  need(day && isDay(day) && /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/.test(clock), `时间不合规：${at}`, `a time breaks the rule: ${at}`);
  return `${day}T${clock}.${decimals.padEnd(9, "0")}`;
}
const isTime = (value) => stamp(value) !== "";

const SOURCES = [{ id: isName, encoding: oneOf("utf8", "hex"), rule: isName, bits: isCount, "…": anything }];
const VALUES = [{ id: isName, value: isString }];
const RULE = { ratio_ppm: isPpm, min: isCount, max: orNull(isCount), rounding: oneOf("ceil", "systematic") };
const MEASURES = { entries: isCount, inspector_days: isCount, travel_min: isCount, host_min: isCount, people_per_visit_max: isCount };
const VISIT = { visit_id: isName, target_id: isTarget, date: isDay, start: isCount, checks: [isName] };
const LEFT = { check_id: isName, code: isName, reason: anything, remedy: anything };
const STOPS = [{ visit_id: isName, arrive: isCount, start: isCount, end: isCount }];
const CHECK = {
  check_id: isName, target_id: isTarget, department: isName, draws: [isName], items: [isName], minutes: isCount, officers: isCount,
  specialties: [isName],
};
const DRAW = {
  draw_id: isFilePart, department: isName, columns: [isName], internal: [isName], "frame_hash?": isDigest, "frame_root?": isDigest,
  frame_rows: isCount, excluded_hash: isDigest, strata_by: [isName], default: { ...RULE, "…": anything },
  strata: [{ key: [isText], ...RULE, "…": anything }], cooldown: (value) => value === null || isPpm(value.lambda_ppm),
  stream: oneOf("round", "own"), backups: isCount, "title?": isText, "items?": [isName], "excluded_rows?": isCount,
  "departments?": [isName], "…": anything,
};
const SHAPES = {
  digests: { copy: oneOf("public", "auditor"), round_id: isFilePart, files: [{ name: isString, size: isCount, sha256: isDigest, packed_sha256: isDigest }] },
  manifest: {
    suite: oneOf("DR1-HMAC-SHA256", "DR1-HMAC-SM3"), round_id: isFilePart, plan: isName, period: isName, sequence: isCount,
    privacy: oneOf("open", "sealed"), entropy: SOURCES, entropy_seats: SOURCES,
    commitments: [{ party: isName, commitment: isDigest, "…": anything }], roster_hash: isDigest,
    packing: { solver: isText, version: isText, parameters: isObject, "…": anything },
    deadlines: { entropy: isTime, sealed_result: isTime, reveal: isTime, "…": anything },
    "salt_commitment?": isDigest, "title?": isText, "demo?": oneOf(0, 1), "seat_weights?": isObject,
    "seat_history?": [{ code: isName, department: isName, seats: isCount }], "seat_draw?": oneOf("halvings", "observable"),
    draws: [DRAW], "…": anything,
  },
  reveal: {
    round_id: isName, manifest_hash: isDigest, secrets: [{ party: isName, secret: isDigest }], entropy: VALUES, entropy_seats: VALUES,
    assurance: oneOf(0, 1, 2), seal: isDigest, plan_commitment: orNull(isDigest), seats_seal: orNull(isDigest), "k_salt?": isDigest,
    "verifier?": isDigest, "void?": isName,
  },
  visits: {
    visits: [VISIT], checks: [CHECK], unscheduled: [LEFT],
    people_caps: (value) => isObject(value) && Object.entries(value).every(([id, people]) => isTarget(id) && isCount(people)),
  },
  schedule: {
    days: [isDay], parameters: { day_start: isCount, day_minutes: isCount, max_entries: isCount, "…": anything },
    routes: [{ route_id: isName, department: isName, district: isText, date: isDay, officers: isCount, specialties: [isName], stops: STOPS }],
    report: {
      plan: MEASURES, alone: MEASURES, greedy: MEASURES, entries_bound: isCount, gap_ppm: isCount,
      inspector_days_bound: { value: isCount, kind: isName }, parameters: isObject, "…": anything,
    },
  },
  lottery: {
    roster_hash: isDigest, unit_bits: oneOf(10, 20), district_rule: oneOf("any", "home", "away"),
    seats: [{ seat_id: isName, route_id: isName, date: isDay, department: isName, lead: (value) => typeof value === "boolean", specialties: [isName] }],
    groups: [{ group_id: isName, members: [isName], cap: isCount, weight: isCount, load: isRatio }],
    classes: [{ class_id: isName, date: isDay, seats: [isName], groups: [isName], units: [isCount] }],
    certificate: { a: [isDecimal], b: [isDecimal], t: [{ group_id: isName, date: isDay, factor: isDecimal }] },
    plan_hash: isDigest, transcript: [isDigest], assignment: isObject, reserves: isObject,
  },
  roster: {
    inspectors: [{
      code: isName, department: isName, district: isText, certificate_expires: isDay, specialties: [isName],
      lead: (value) => typeof value === "boolean", cap: isCount,
    }],
    leave: [{ code: isName, from: isDay, to: isDay }], recusals: [{ code: isName, target_id: isTarget }],
  },
  events: [{ at: isTime, type: isName, "…": anything }],
  "log/entries": [{
    index: isCount,
    entry: {
      type: isName, subject: isString, at: isTime, actor_role: isString, digest: orNull(isDigest), plan: isName, period: isName,
      sequence: isCount, round_id: isName, "…": anything,
    },
  }],
  opening: {
    round_id: isName, draw_id: isName, index: isCount, blind: isDigest, public_cells: [isText], inner_hash: isDigest, path: [isDigest],
    drawn: (value) => typeof value === "boolean",
  },
};
const EVENTS = {
  replacement: {
    draw_id: isName, target: isTarget, evidence_hash: isDigest, backup: orNull(isTarget),
    reason: oneOf("deregistered", "revoked", "moved_away", "duplicate"), "…": anything,
  },
  void: { at: isTime, type: isName, reason: isName, by: isDigest, confirmed_by: isDigest },
  absence: {
    at: isTime, type: isName, inspector: isName, reason: oneOf("sickness", "recusal", "certificate"), "from?": isDay, "to?": isDay,
    "routes?": [isName],
  },
  plan_change: {
    at: isTime, type: isName, reason: isName, closed: [{ target_id: isTarget, date: isDay }], pins: [{ check_id: isName, date: isDay }],
    checks: [CHECK], cancelled: [isName], visits: [VISIT], routes: [{ route_id: isName, stops: STOPS }], unscheduled: [LEFT],
    fewer: [{ department: isName, date: isDay, officers: isCount }], cost: isObject,
  },
};

// Require a value to have a shape; `where` names it to the reader.
function shaped(value, shape, where) {
  const bad = () => need(false, `${where} 的内容不合规定`, `${where} is not of its shape`);
  if (typeof shape === "function") return shape(value) || bad();
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) bad();
    return value.forEach((item, i) => shaped(item, shape[0], `${where}[${i}]`));
  }
  if (!isObject(value)) bad();
  const known = new Set();
  for (const [key, inner] of Object.entries(shape)) {
    const bare = key.replace("?", "");
    known.add(bare);
    if (Object.hasOwn(value, bare)) shaped(value[bare], inner, `${where}.${bare}`);
    else if (key === bare && key !== "…") need(false, `${where} 缺少 ${key}`, `${where} lacks ${key}`);
  }
  if (!known.has("…") && !Object.keys(value).every((key) => known.has(key))) bad();
}

function walk(value, visit) {
  visit(value);
  if (value && typeof value === "object") for (const [key, item] of Object.entries(value)) [visit(key), walk(item, visit)];
}

function strictJson(data, name) {
  const text = textOf(data);
  const value = JSON.parse(text);
  walk(value, (item) => need(typeof item !== "number" || Number.isSafeInteger(item), `${name} 含小数`, `${name}: a fraction`));
  const ascii = (item) => !isObject(item) || Object.keys(item).every((key) => /^[\x00-\x7f]*$/.test(key));
  walk(value, (item) => need(ascii(item), `${name} 的键不是 ASCII`, `${name}: a key is not ASCII`));
  need(`${canonical(value)}\n` === text, `${name} 不是规范 JSON`, `${name} is not canonical JSON`);
  return value;
}
