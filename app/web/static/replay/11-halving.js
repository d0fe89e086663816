// The draw of the seats (docs/lottery.md 7 and 10): halvings, deals, reserves.
const streamOf = (key) => (label, ...parts) => new Shake(lp(label, key, ...parts));

// Edges: arcs (pair → class), pairs (group → pair), groups (root → group); nodes: root, groups, pairs, classes.
function graphOf(lots) {
  const firstPair = 1 + lots.groups.length;
  const firstClass = firstPair + lots.pairs.length;
  const values = [...lots.arcs.map((arc) => arc.units), ...lots.pairs.map((pair) => pair.units), ...lots.total];
  const upper = [...lots.arcs.map((arc) => firstPair + arc.p), ...lots.pairs.map((pair) => 1 + pair.g), ...lots.groups.map(() => 0)];
  const lower = [...lots.arcs.map((arc) => firstClass + arc.c), ...lots.pairs.map((_, p) => firstPair + p), ...lots.groups.map((_, g) => 1 + g)];
  return { values, upper, lower, nodes: firstClass + lots.classes.length, firstClass };
}

// Which ends meet at each node, in its order: end 2p is edge p's upper one, 2p + 1 its lower one. Gives each end's partner.
function partners(graph, odd, keys) {
  const meeting = Array.from({ length: graph.nodes }, () => []);
  odd.forEach((edge, p) => meeting[graph.upper[edge]].push(2 * p));
  odd.forEach((edge, p) => meeting[graph.lower[edge]].push(2 * p + 1));
  const partner = new Int32Array(2 * odd.length);
  const rank = (end) => keys.getUint32(4 * end);
  meeting.forEach((ends, node) => {
    // Below the root, groups and pairs the one edge from above comes last; it was put in last, and keeps its place.
    const own = node < graph.firstClass && ends.length && ends.at(-1) & 1 ? [ends.pop()] : [];
    const listed = [...ends.sort((x, y) => rank(x) - rank(y)), ...own];
    need(listed.length % 2 === 0, "对分时有节点的边不成双", "an odd number of edges meets at a node");
    for (let i = 0; i < listed.length; i += 2) [partner[listed[i]], partner[listed[i + 1]]] = [listed[i + 1], listed[i]];
  });
  return partner;
}

// Whether each odd edge's half is rounded up: one coin a trail, turned from edge to edge.
function signs(partner, coins) {
  const sign = new Int8Array(partner.length / 2);
  let trail = 0;
  for (let start = 0; start < sign.length; start++) {
    if (sign[start]) continue;
    sign[start] = coins(trail++) ? 1 : -1;
    for (let end = 2 * start; ; ) {
      const met = partner[end];
      const own = (end & 1) === (met & 1) ? -sign[end >> 1] : sign[end >> 1];
      if (met >> 1 === start) break;
      sign[met >> 1] = own;
      end = met ^ 1;
    }
  }
  return sign;
}

// People per arc and the transcript. `path`, for an observed draw: its coins as digits, down the public tree of a plan.
async function halved(lots, key, path, breath) {
  const graph = graphOf(lots);
  const { values } = graph;
  const [stream, transcript] = [streamOf(key), []];
  const label = path === null ? "DR1/seats/" : "DR1/seats/tree-";
  const seen = new Uint8Array(8 * lots.arcs.length);
  for (let level = 1; level <= lots.bits; level++) {
    await breath(level - 1, lots.bits);
    const at = [be64(level), ...(path === null ? [] : [path.slice(0, level - 1)])];
    const odd = values.flatMap((value, edge) => (value % 2 ? [edge] : []));
    const keys = new DataView(stream(`${label}pairs`, ...at).take(8 * odd.length).buffer);
    const tossed = stream(`${label}coins`, ...at).take(odd.length);
    const turned = path === null ? 0 : Number(path[level - 1]);
    const sign = signs(partners(graph, odd, keys), (trail) => (tossed[trail] & 1) ^ turned);
    values.forEach((value, edge) => (values[edge] = Math.floor(value / 2)));
    odd.forEach((edge, p) => (values[edge] += sign[p] > 0 ? 1 : 0));
    const view = new DataView(seen.buffer);
    for (let arc = 0; arc < lots.arcs.length; arc++) view.setBigUint64(8 * arc, BigInt(values[arc]));
    transcript.push(hexOf(shake256(lp("DR1/seats/transcript", be64(level), seen), 32)));
  }
  return { people: values.slice(0, lots.arcs.length), transcript };
}

// Fisher–Yates from the front, one at a time, without bias.
function* shuffled(items, stream) {
  const line = [...items];
  for (let i = 0; i < line.length; i++) {
    const left = BigInt(line.length - i);
    if (left > 1n) {
      let x = u64(stream.take(8));
      while (x >= WIDE - (WIDE % left)) x = u64(stream.take(8));
      const j = i + Number(x % left);
      [line[i], line[j]] = [line[j], line[i]];
    }
    yield line[i];
  }
}

function dealt(lots, people, stream) {
  const [served, sitting] = [new Map(), lots.arcs.map(() => [])];
  const arcsOf = lots.pairs.map(() => []);
  lots.arcs.forEach((arc, i) => people[i] && arcsOf[arc.p].push(i));
  lots.pairs.forEach(({ g, date }, p) => {
    const wanted = arcsOf[p].reduce((sum, i) => sum + people[i], 0);
    if (!wanted) return;
    const { group_id, members } = lots.groups[g];
    const line = [...shuffled(members, stream("DR1/seats/members", group_id, date))];
    const had = (code) => served.get(code) ?? 0;
    const chosen = new Set([...line].sort((x, y) => had(x) - had(y)).slice(0, wanted));
    chosen.forEach((code) => served.set(code, had(code) + 1));
    const queue = line.filter((code) => chosen.has(code));
    for (const i of arcsOf[p]) sitting[i] = queue.splice(0, people[i]);
  });
  const gathered = lots.classes.map(() => []);
  lots.arcs.forEach((arc, i) => gathered[arc.c].push(...sitting[i]));
  const seated = {};
  lots.classes.forEach(({ class_id, seats }, c) => {
    const line = [...shuffled(gathered[c], stream("DR1/seats/deal", class_id))];
    seats.forEach((seat, i) => (seated[seat] = line[i]));
  });
  return seated;
}

const tally = (codes) => codes.reduce((map, code) => map.set(code, (map.get(code) ?? 0) + 1), new Map());
const capsOf = (lots) => new Map(lots.groups.flatMap((row) => row.members.map((code) => [code, row.cap])));

function reservesOf(lots, seated, stream) {
  const caps = capsOf(lots);
  const spent = [...tally(Object.values(seated))].filter(([code, n]) => n >= caps.get(code)).map(([code]) => code);
  const busy = new Map();
  for (const { date, seats } of lots.classes) {
    if (!busy.has(date)) busy.set(date, new Set(spent));
    seats.forEach((seat) => busy.get(date).add(seated[seat]));
  }
  const members = lots.classes.map(() => []);
  for (const { c, g } of lots.arcs) members[c].push(...lots.groups[g].members);
  return Object.fromEntries(lots.classes.map(({ class_id, date, seats }, c) => {
    const kept = [];
    for (const code of shuffled(members[c].sort(order), stream("DR1/seats/reserves", class_id))) {
      if (kept.length === 8 + 2 * seats.length) break;
      if (!busy.get(date).has(code)) kept.push(code);
    }
    return [class_id, kept];
  }));
}
