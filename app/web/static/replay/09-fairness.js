// The published probabilities as a network (docs/lottery.md 4, 5 and 9): sums, fairness, evenness. Units are whole numbers.
const reduced = ([a, b]) => {
  const common = gcd(a, b) || 1n;
  return [a / common, b / common];
};
const less = ([a, b], [c, d]) => a * d < c * b;

class Lots {
  constructor({ groups, classes, unit_bits: bits }) {
    Object.assign(this, { groups, classes, bits, B: 2 ** bits });
    this.size = groups.map((row) => row.members.length);
    this.load = groups.map((row) => [...row.load.split("/"), "1"].slice(0, 2).map(BigInt));
    this.value = this.load.map(([p, q], g) => reduced([p, q * BigInt(groups[g].weight)]));
    const place = new Map(groups.map((row, g) => [row.group_id, g]));
    this.arcs = classes.flatMap((row, c) => {
      need(row.units.length === row.groups.length, `${row.class_id} 的概率个数不符`, `${row.class_id}: another number of units`);
      return row.groups.map((id, i) => ({ c, g: place.get(id), units: row.units[i] }));
    });
    const dates = groups.map(() => new Set());
    for (const { c, g } of this.arcs) dates[g].add(classes[c].date);
    this.pairs = dates.flatMap((own, g) => [...own].sort().map((date) => ({ g, date, units: 0, arcs: 0 })));
    const pair = new Map(this.pairs.map(({ g, date }, p) => [`${g} ${date}`, p]));
    this.total = groups.map(() => 0);
    for (const arc of this.arcs) {
      arc.p = pair.get(`${arc.g} ${classes[arc.c].date}`);
      this.pairs[arc.p].units += arc.units;
      this.pairs[arc.p].arcs++;
      this.total[arc.g] += arc.units;
    }
  }
  who(g) {
    return `${this.groups[g].group_id}（${this.groups[g].members.slice(0, 3).join("、")}）`;
  }
  checkSums() {
    for (const row of this.classes) {
      const sum = row.units.reduce((all, units) => all + units, 0);
      need(sum === row.seats.length * this.B, `${row.class_id} 概率之和不是席位数`, `${row.class_id}: probabilities do not add up to its seats`);
    }
    for (const { g, date, units } of this.pairs) need(units <= this.size[g] * this.B, `${this.who(g)} ${date} 超过人数`, `${this.who(g)}: more than its members on ${date}`);
    let whole = [0n, 1n];
    this.groups.forEach((group, g) => {
      const [[p, q], members] = [this.load[g], BigInt(this.size[g])];
      const off = BigInt(this.total[g]) * q - members * p * BigInt(this.B);
      need(-q < off && off < q, `${this.who(g)} 概率之和与负担不同`, `${this.who(g)}: probabilities are not the load, rounded`);
      need(shown([p, q]) === group.load && p <= BigInt(group.cap) * q, `${this.who(g)} 负担不合规`, `${this.who(g)}: its load breaks a rule`);
      whole = reduced(plus(whole, [members * p, q]));
    });
    need(whole[0] === whole[1] * BigInt(this.classes.reduce((sum, row) => sum + row.seats.length, 0)), "负担之和不是席位数", "loads do not add up to the seats");
  }
  // Section 4's residual graph; nodes: groups, pairs, classes.
  residual() {
    const [firstPair, firstClass] = [this.groups.length, this.groups.length + this.pairs.length];
    const edges = Array.from({ length: firstClass + this.classes.length }, () => []);
    this.pairs.forEach(({ g, units }, p) => {
      if (units < this.size[g] * this.B) edges[g].push(firstPair + p);
      if (units) edges[firstPair + p].push(g);
    });
    for (const { c, p, units } of this.arcs) {
      edges[firstPair + p].push(firstClass + c);
      if (units) edges[firstClass + c].push(firstPair + p);
    }
    [this.edges, this.part, this.firstPair, this.firstClass] = [edges, connected(edges), firstPair, firstClass];
  }
  // From nobody who could serve more does a path lead to somebody who serves relatively more: lowest levels first.
  checkFair() {
    const seen = new Uint8Array(this.edges.length);
    const levels = this.groups.map((_, g) => g).sort((a, b) => (less(this.value[a], this.value[b]) ? -1 : less(this.value[b], this.value[a]) ? 1 : 0));
    for (let at = 0; at < levels.length; ) {
      const level = this.value[levels[at]];
      const equals = [];
      for (; at < levels.length && !less(level, this.value[levels[at]]); at++) equals.push(levels[at]);
      const free = equals.filter((g) => this.load[g][0] < BigInt(this.groups[g].cap) * this.load[g][1]);
      const worse = reached(this.edges, free, seen).find((node) => node < this.groups.length && less(level, this.value[node]));
      if (worse !== undefined) need(false, `不公平：${this.who(worse)} 可以少担`, `unfair: ${this.who(worse)} could serve less`);
    }
  }
  // What loads lack of their units cancels out among equals, and nobody else could help.
  checkExact() {
    const lack = this.load.map(([p, q], g) => reduced([BigInt(this.size[g]) * p * BigInt(this.B) - BigInt(this.total[g]) * q, q]));
    const [equals, parts] = [new Map(), new Map()];
    const add = (map, key, value) => map.set(key, reduced(plus(map.get(key) ?? [0n, 1n], value)));
    lack.forEach((own, g) => {
      add(equals, this.value[g].join("/"), own);
      add(parts, this.part[g], own);
    });
    const settled = new Map();
    this.groups.forEach((group, g) => {
      need(equals.get(this.value[g].join("/"))[0] === 0n, `${this.who(g)} 的负担 ${group.load} 不精确`, `${this.who(g)}: the load ${group.load} is not exact`);
      const part = this.part[g];
      if (parts.get(part)[0] <= 0n || settled.has(part)) return;
      settled.set(part, true);
      const found = reached(this.edges, [g], new Uint8Array(this.edges.length)).filter((node) => node < lack.length);
      const sum = found.reduce((all, node) => reduced(plus(all, lack[node])), [0n, 1n]);
      need(sum[0] <= 0n, `${this.who(g)} 的负担 ${group.load} 不精确`, `${this.who(g)}: the load ${group.load} is not exact`);
    });
  }
  // Zeros are forced, and the rest is as even as the loads allow: units = B · members · a · b · t, nearly.
  checkEven({ a, b, t }) {
    need(a.length === this.groups.length && b.length === this.classes.length, "证书长度不符", "the certificate has another length");
    const factor = this.pairs.map(() => 1);
    const place = new Map(this.pairs.map(({ g, date }, p) => [`${this.groups[g].group_id} ${date}`, p]));
    let last = -1;
    for (const row of t) {
      const p = place.get(`${row.group_id} ${row.date}`);
      need(p > last, "证书次序不合规", "the certificate is out of order");
      const { g, units, arcs } = this.pairs[(last = p)];
      const full = this.size[g] * this.B;
      factor[p] = Number(row.factor);
      const bound = units === full && this.part[g] !== this.part[this.firstPair + p];
      need((factor[p] === 1 || (units + 4 * arcs) * 1024 >= full * 1023) && (factor[p] <= 1 || bound), `${this.who(g)} ${row.date} 的系数无依据`, `${this.who(g)} ${row.date}: a factor without cause`);
    }
    const [ofGroup, ofClass] = [a.map((text, g) => this.size[g] * this.B * Number(text)), b.map(Number)];
    need([...ofGroup, ...ofClass, ...factor].every((x) => x > 0 && x < Infinity), "系数须为正数", "a factor is not positive and finite");
    for (const { c, g, p, units } of this.arcs) {
      const even = ofGroup[g] * ofClass[c] * factor[p];
      const good = units ? units - 4 <= even * (1025 / 1024) && even * (1023 / 1024) <= units + 4 : this.part[this.firstClass + c] !== this.part[this.firstPair + p];
      if (!good) need(false, `${this.classes[c].class_id} ${this.who(g)} 的概率不均匀或无故为零`, `${this.classes[c].class_id} ${this.who(g)}: uneven, or zero without need`);
    }
  }
}

// All nodes that a search finds anew; `seen` changes with them.
function reached(edges, starts, seen) {
  const [queue, found] = [[...starts], []];
  while (queue.length) {
    const node = queue.pop();
    if (seen[node]) continue;
    seen[node] = 1;
    found.push(node);
    for (const other of edges[node]) if (!seen[other]) queue.push(other);
  }
  return found;
}

// A label for each strongly connected component (Kosaraju: finishing order, then the reversed graph).
function connected(edges) {
  const back = edges.map(() => []);
  edges.forEach((own, node) => own.forEach((other) => back[other].push(node)));
  const [next, seen, finished] = [new Int32Array(edges.length), new Uint8Array(edges.length), []];
  for (let start = 0; start < edges.length; start++) {
    const path = seen[start] ? [] : [start];
    seen[start] = 1;
    while (path.length) {
      const node = path.at(-1);
      const other = edges[node][next[node]++];
      if (other === undefined) finished.push(path.pop());
      else if (!seen[other]) {
        seen[other] = 1;
        path.push(other);
      }
    }
  }
  const [label, gone] = [new Int32Array(edges.length), new Uint8Array(edges.length)];
  for (const root of finished.reverse()) for (const node of reached(back, [root], gone)) label[node] = root;
  return label;
}
