// The seats and who may take them (docs/lottery.md 1 to 3): rebuilt from the routes, and from the roster where it is given.
function seatsAsked(routes) {
  const asked = [];
  for (const { route_id, date, department, officers, specialties } of routes) {
    const wanted = Array.from({ length: officers }, () => []);
    [...new Set(specialties)].sort(order).forEach((one, j) => wanted[(j + 1) % officers].push(one));
    wanted.forEach((own, k) => asked.push({ seat_id: `${route_id}#${k + 1}`, route_id, date, department, lead: k === 0, specialties: own }));
  }
  return asked.sort((a, b) => order(a.seat_id, b.seat_id));
}

// Classes and groups from ascending seats, a set of codes (as a BigInt, bit i for the i-th code) for each, and people's caps.
function cut(asked, able, codes, caps, weights, apart) {
  const alike = new Map();
  const spelled = new Map();
  for (const { seat_id: seat, date } of asked) {
    const mask = able.get(seat);
    if (!spelled.has(mask)) spelled.set(mask, mask.toString(16));
    const key = `${date} ${spelled.get(mask)} ${apart ? seat : ""}`;
    if (!alike.has(key)) alike.set(key, { date, mask, seats: [] });
    alike.get(key).seats.push(seat);
  }
  const classes = [...alike.values()].sort((a, b) => order(a.date, b.date) || order(a.seats[0], b.seats[0]));
  const serves = codes.map(() => []);
  classes.forEach(({ mask }, c) => {
    const bits = mask.toString(2);
    for (let i = 0; i < bits.length; i++) if (bits[bits.length - 1 - i] === "1") serves[i].push(c);
  });
  const groups = new Map();
  codes.forEach((code, i) => {
    if (!serves[i].length) return;
    const weight = Object.hasOwn(weights, code) ? weights[code] : 1000;
    const key = canonical([serves[i], caps.get(code), weight, apart ? code : ""]);
    if (!groups.has(key)) groups.set(key, { group_id: numbered("G", groups.size + 1), members: [], cap: caps.get(code), weight, serves: serves[i] });
    groups.get(key).members.push(code);
  });
  return { classes: named(classes, [...groups.values()]), groups: [...groups.values()].map(({ serves: _, ...group }) => group) };
}
const numbered = (start, n) => `${start}${String(n).padStart(4, "0")}`;

function named(classes, groups) {
  const [open, count] = [classes.map(() => []), new Map()];
  for (const { group_id, serves } of groups) for (const c of serves) open[c].push(group_id);
  return classes.map(({ date, seats }, c) => {
    count.set(date, (count.get(date) ?? 0) + 1);
    return { class_id: numbered(`${date}/`, count.get(date)), date, seats, groups: open[c] };
  });
}

class Seats extends Visits {
  roster() {
    const frozen = this.manifest.roster_hash;
    need(!this.made("plan") || this.json("lottery").roster_hash === frozen, "名册摘要与清单不同", "roster hash differs from the manifest");
    if (this.copy === "public") return AUDITOR;
    const roster = this.json("roster");
    need(this.hashed(roster) === frozen, "名册摘要与清单不同", "hash of the roster differs from the manifest");
    const lists = [[roster.inspectors, ["code"]], [roster.leave, ["code", "from", "to"]], [roster.recusals, ["code", "target_id"]]];
    const sorted = (rows, keys) => rows.every((row, i) => !i || (keys.map((key) => order(rows[i - 1][key], row[key])).find(Boolean) ?? 0) < 0);
    need(lists.every(([rows, keys]) => sorted(rows, keys)), "名册次序不合规", "the roster is out of order");
    const known = new Set(roster.inspectors.map((row) => row.code));
    need([...roster.leave, ...roster.recusals].every((row) => known.has(row.code)), "请假或回避的人不在名册", "leave or recusal of nobody in the roster");
    return [`名册摘要 ${frozen} = 清单，${known.size} 人`, `hash of the roster ${frozen} = manifest, ${known.size} people`];
  }
  get observed() {
    return this.manifest.seat_draw === "observable";
  }
  checkSeats() {
    const { seats, classes, groups } = this.json("lottery");
    const { routes } = this.json("schedule");
    need(routes.reduce((sum, route) => sum + route.officers, 0) === seats.length, "席位数与路线不符", "not as many seats as officers");
    const asked = seatsAsked(routes);
    need(same(asked, seats), "席位与路线不符", "seats do not follow from the routes");
    need(same(classes.flatMap((row) => row.seats).sort(order), asked.map((row) => row.seat_id)), "席位不恰在一类", "a seat is not in exactly one class");
    const full = this.copy === "auditor";
    const caps = new Map(full ? this.json("roster").inspectors.map((row) => [row.code, row.cap]) : groups.flatMap((row) => row.members.map((code) => [code, row.cap])));
    const codes = [...caps.keys()].sort(order);
    const bit = new Map(codes.map((code, i) => [code, 1n << BigInt(i)]));
    const union = (list, of) => list.reduce((mask, one) => mask | of.get(one), 0n);
    const open = new Map(groups.map((row) => [row.group_id, union(row.members, bit)]));
    let able = new Map(classes.flatMap((row) => {
      const mask = union(row.groups, open);
      return row.seats.map((seat) => [seat, mask]);
    }));
    if (full) {
      const found = this.eligible(bit);
      for (const [seat, mask] of able) need(found.get(seat) === mask, `${seat} 的可任人员与名册不同`, `who may take ${seat} is not what the roster gives`);
      able = found;
    }
    const made = cut(asked, able, codes, caps, this.manifest.seat_weights ?? {}, this.observed);
    need(same(made.classes, classes.map(({ units, ...row }) => row)), "席位的分类不合规", "the classes of seats are not what follows");
    need(same(made.groups, groups.map(({ load, ...row }) => row)), "人员的分组不合规", "the groups of people are not what follows");
  }
  // Section 2, from the roster: seat → set of those who may take it.
  eligible(bit) {
    const { inspectors, leave, recusals } = this.json("roster");
    const { seats, district_rule: rule } = this.json("lottery");
    const who = (rows) => rows.reduce((mask, row) => mask | bit.get(row.code), 0n);
    const fit = (holds) => who(inspectors.filter(holds));
    const target = new Map(this.json("visits").visits.map((row) => [row.visit_id, row.target_id]));
    const kept = new Map();
    const memo = (key, make) => kept.get(key) ?? kept.set(key, make()).get(key);
    const pools = new Map(this.json("schedule").routes.map(({ route_id, date, department, district, stops }) => {
      const free = memo(`day ${date}`, () => fit((row) => row.certificate_expires >= date) & ~who(leave.filter((row) => row.from <= date && date <= row.to)));
      const home = memo(`home ${district}`, () => fit((row) => row.district === district));
      const own = memo(`of ${department}`, () => fit((row) => row.department === department));
      const at = new Set(stops.map((stop) => target.get(stop.visit_id)));
      const pool = free & own & ~who(recusals.filter((row) => at.has(row.target_id)));
      return [route_id, { any: pool, home: pool & home, away: pool & ~home }[rule]];
    }));
    const lead = fit((row) => row.lead);
    return new Map(seats.map((seat) => {
      const skills = seat.specialties.map((one) => memo(`can ${one}`, () => fit((row) => row.specialties.includes(one))));
      return [seat.seat_id, [...(seat.lead ? [lead] : []), ...skills].reduce((mask, part) => mask & part, pools.get(seat.route_id))];
    }));
  }
  // Section 3: the weights are what follows from the seats served before.
  checkWeights() {
    const history = this.manifest.seat_history ?? [];
    checkOrder(history, "code", "seat_history");
    if (this.copy === "auditor") {
      const team = new Map(this.json("roster").inspectors.map((row) => [row.code, row.department]));
      need(history.every((row) => team.get(row.code) === row.department), "历史席位与名册不同", "seat_history names other departments than the roster");
    }
    const served = new Map();
    for (const row of history) served.set(row.department, [...(served.get(row.department) ?? []), BigInt(row.seats)]);
    const weights = {};
    for (const { code, department, seats } of history) {
      const all = served.get(department);
      const n = BigInt(all.length);
      const mean = (all.reduce((sum, own) => sum + own, 0n) + n - 1n) / n;
      const weight = mean ? Number(most(250n, least(4000n, (2000n * mean) / (BigInt(seats) + mean)))) : 1000;
      if (weight !== 1000) weights[code] = weight;
    }
    need(same(this.manifest.seat_weights ?? {}, weights), "权重与历史席位不符", "weights do not follow from the history");
  }
}
