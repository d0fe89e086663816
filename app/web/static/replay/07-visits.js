// What follows from the draw: checks, visits, replacements, the schedule's hard rules, and changes after it was bound.
function checkOrder(rows, key, what) {
  need(ascending(rows.map((row) => row[key])), `${what} 次序不合规或重复`, `${what}: out of order, or one repeats`);
}
function checkClock(times, what) {
  need(times.every((at, i) => !i || times[i - 1] <= at), `${what}时间倒退`, `${what}: times go backwards`);
}
const byId = (rows, key) => new Map(rows.map((row) => [row[key], row]));

// Every check in exactly one visit or left out; one target a visit.
function checkVisits({ visits, checks, unscheduled }) {
  checkOrder(visits, "visit_id", "visits");
  checkOrder(unscheduled, "check_id", "unscheduled");
  const target = new Map(checks.map((row) => [row.check_id, row.target_id]));
  for (const row of visits) {
    need(ascending(row.checks) && row.checks.length, `入户 ${row.visit_id} 的检查次序不合规或没有`, `visit ${row.visit_id}: checks out of order, or none`);
    need(row.checks.every((id) => target.get(id) === row.target_id), `入户 ${row.visit_id} 与检查的对象不同`, `visit ${row.visit_id} has a check of another target`);
  }
  const placed = [...visits.flatMap((row) => row.checks), ...unscheduled.map((row) => row.check_id)].sort(order);
  need(same(placed, [...target.keys()].sort(order)), "有检查未安排或重复安排", "a check is in no visit or in two");
}

// Who is at each visit: visit_id → [{start, end, officers}].
function presence(routes) {
  const there = new Map();
  for (const { stops, officers } of routes)
    for (const { visit_id: id, start, end } of stops) there.set(id, [...(there.get(id) ?? []), { start, end, officers }]);
  return there;
}
const crowd = (crews) => Math.max(0, ...crews.map(({ start: at }) => crews.reduce((sum, { start, end, officers }) => sum + (start <= at && at < end ? officers : 0), 0)));

// One crew's day.
function checkRoute(route, limits, visits, checks, caps) {
  const wrong = (holds, zh, en) => need(holds, `路线 ${route.route_id} ${zh}`, `route ${route.route_id}: ${en}`);
  const { stops } = route;
  wrong(stops.length >= 1 && stops.length <= limits.max_entries && unique(stops.map((stop) => stop.visit_id)), "站数不合规", "no stop, too many, or one twice");
  let [free, officers] = [limits.day_start, 2];
  for (const { visit_id: id, arrive, start, end } of stops) {
    const visit = visits.get(id);
    wrong(visit && visit.date === route.date && (start === visit.start || (start > visit.start && Object.hasOwn(caps, visit.target_id))), `与入户 ${id} 不同步`, `not in step with visit ${id}`);
    wrong(free <= arrive && arrive <= start && start < end, `在 ${id} 时间重叠`, `stops overlap at ${id}`);
    const work = visit.checks.map((check) => checks.get(check)).filter((check) => check.department === route.department);
    wrong(end - start === work.reduce((sum, check) => sum + check.minutes, 0), `在 ${id} 的时长不符`, `other minutes at ${id}`);
    officers = Math.max(officers, ...work.map((check) => check.officers));
    wrong(work.every((check) => check.specialties.every((one) => route.specialties.includes(one))), "缺少专业", "a specialty is not covered");
    free = end;
  }
  wrong(free <= limits.day_start + limits.day_minutes, "超过当日工时", "ends after the day");
  wrong(route.officers >= officers, `少于 ${officers} 人`, `fewer than ${officers} officers`);
}

function checkHardRules(plan, routes, limits) {
  const [visits, checks] = [byId(plan.visits, "visit_id"), byId(plan.checks, "check_id")];
  const crews = new Map(plan.visits.map((row) => [row.visit_id, []]));
  for (const route of routes) {
    checkRoute(route, limits, visits, checks, plan.people_caps);
    for (const stop of route.stops) crews.get(stop.visit_id).push(route.department);
  }
  const there = presence(routes);
  for (const [id, visit] of visits) {
    const wanted = [...new Set(visit.checks.map((check) => checks.get(check).department))].sort(order);
    need(same(crews.get(id).sort(order), wanted), `入户 ${id} 的部门与路线不符`, `visit ${id}: not one route of each department`);
    const own = there.get(id);
    need(Math.min(...own.map((crew) => crew.start)) === visit.start, `入户 ${id} 无人按时开始`, `visit ${id}: nobody begins at its start`);
    const cap = Object.hasOwn(plan.people_caps, visit.target_id) ? plan.people_caps[visit.target_id] : Infinity;
    need(crowd(own) <= cap, `入户 ${id} 同时超过 ${cap} 人`, `visit ${id}: more than ${cap} people at once`);
  }
}

class Visits extends Bundle {
  visits() {
    if (!this.made("plan")) return UNMADE;
    const plan = this.json("visits");
    const wanted = new Map();
    this.manifest.draws.forEach((spec, i) => {
      for (const target of this.selected[i])
        for (const department of spec.departments ?? [spec.department]) {
          const key = `${target}\t${department}`;
          if (!wanted.has(key)) wanted.set(key, []);
          wanted.get(key).push(spec);
        }
    });
    checkOrder(plan.checks, "check_id", "checks");
    for (const check of plan.checks) this.checkOne(check, wanted);
    need(!wanted.size, `缺少 ${wanted.size} 项检查`, `${wanted.size} checks are missing`);
    checkVisits(plan);
    const used = this.replacements();
    return [`${plan.checks.length} 项检查 = 抽中 × 部门，各在一次入户；替补 ${used} 次均按次序`, `${plan.checks.length} checks = drawn × departments, each in one visit; ${used} replacements in order`];
  }
  checkOne(check, wanted) {
    const key = `${check.target_id}\t${check.department}`;
    const draws = wanted.get(key);
    const wrong = (holds, zh, en) => need(holds, `检查 ${check.check_id} ${zh}`, `check ${check.check_id} ${en}`);
    wrong(draws && wanted.delete(key) && same(draws.map((spec) => spec.draw_id), check.draws), "不应有", "should not be, or is of other draws");
    wrong(check.minutes > 0 && check.items.length, "没有事项或时长", "has no items or minutes");
    wrong(draws.some((spec) => !spec.items) || check.items.every((item) => draws.some((spec) => spec.items.includes(item))), "的事项不在抽取之列", "has an item of no draw");
  }
  // Section 8 of draw.md. In a sealed round the public copy has no backups: then only that nobody is drawn twice.
  replacements() {
    checkClock(this.events.map((event) => stamp(event.at)), "事件");
    const standing = new Map(this.manifest.draws.map((spec, i) => [spec.draw_id, new Set(this.selected[i])]));
    const queues = new Map();
    if (!this.hidden)
      for (const { draw_id, strata } of this.results)
        for (const { selected, backups } of strata) {
          const queue = backups.map((row) => row.target_id);
          for (const { target_id } of selected) queues.set(`${draw_id}\t${target_id}`, queue);
        }
    const events = this.events.filter((event) => event.type === "replacement");
    for (const event of events) {
      shaped(event, EVENTS.replacement, "events");
      const { draw_id, target, backup } = event;
      const now = standing.get(draw_id);
      let good = now?.has(target) && !now.has(backup);
      if (good && !this.hidden) {
        const queue = queues.get(`${draw_id}\t${target}`);
        good = (queue.shift() ?? null) === backup;
        queues.set(`${draw_id}\t${backup}`, queue);
      }
      need(good, `替补 ${target} → ${backup} 不成立`, `replacement ${target} → ${backup}: not drawn, or not the next backup`);
      now.delete(target);
      if (backup !== null) now.add(backup);
    }
    return events.length;
  }
  schedule() {
    if (!this.made("plan")) return UNMADE;
    const { days, routes, parameters } = this.json("schedule");
    need(ascending(days) && same(days, this.manifest.days ?? days), "日期不合规或与清单不同", "days out of order, or not the manifest's");
    checkOrder(routes, "route_id", "routes");
    need(routes.every((route) => days.includes(route.date)), "有路线不在计划的日期", "a route on a day of no plan");
    checkHardRules(this.json("visits"), routes, parameters);
    const changes = this.changes();
    this.report();
    const n = this.json("visits").visits.length;
    return [`${n} 次入户、${routes.length} 条路线合于硬性规则；调整 ${changes} 次；报告的合计`, `${n} visits and ${routes.length} routes keep the hard rules; ${changes} changes; the report's totals`];
  }
  // Each change of the bound plan has a reason, keeps the hard rules and the routes, and touches nothing that is past.
  changes() {
    let plan = this.json("visits");
    const state = { routes: byId(this.json("schedule").routes, "route_id"), left: byId(plan.unscheduled, "check_id") };
    const { routes } = state;
    const events = this.events.filter((event) => event.type === "plan_change");
    for (const event of events) {
      shaped(event, EVENTS.plan_change, "events");
      const wrong = (holds, zh, en) => need(holds, `调整 ${event.at} ${zh}`, `change ${event.at}: ${en}`);
      const before = stopsAt(routes, byId(plan.visits, "visit_id"));
      plan = this.changed(plan, event, state, wrong);
      checkOrder(plan.checks, "check_id", "checks");
      checkVisits(plan);
      checkHardRules(plan, [...routes.values()].filter((route) => route.stops.length), this.json("schedule").parameters);
      if (this.copy === "auditor") {
        const stops = stopsAt(routes, byId(plan.visits, "visit_id"));
        const fresh = [...stops].filter(([key]) => !before.has(key)).map(([, stop]) => stop);
        const team = new Map(this.json("roster").inspectors.map((row) => [row.code, row.department]));
        const barred = this.json("roster").recusals.map((row) => `${team.get(row.code)}\t${row.target_id}`);
        wrong(fresh.every((stop) => !barred.includes(stop)), "换到了须回避的部门", "a target from which the department is recused");
      }
    }
    return events.length;
  }
  changed(plan, event, { routes, left }, wrong) {
    const visits = byId(plan.visits, "visit_id");
    wrong(event.reason.trim() && event.cancelled.every((id) => visits.has(id)), "无理由，或取消了没有的入户", "no reason, or no such visit");
    wrong(unique(event.cancelled), "重复取消", "cancels a visit twice");
    const touched = [...event.cancelled.map((id) => visits.get(id)), ...event.visits];
    event.cancelled.forEach((id) => visits.delete(id));
    for (const row of event.visits) if (visits.has(row.visit_id)) touched.push(visits.get(row.visit_id));
    wrong(touched.every((row) => event.at.slice(0, 10) <= row.date), "改动了已过去的入户", "a visit that was over");
    for (const row of event.visits) visits.set(row.visit_id, row);
    for (const { route_id: id, stops } of event.routes) {
      wrong(routes.has(id), "新增了路线", "a route whose seats nobody drew");
      routes.set(id, { ...routes.get(id), stops });
    }
    wrong(event.checks.every((row) => !row.draws.length), "追加的检查不得自称抽中", "a check added was not drawn");
    const placed = new Set([...visits.values()].flatMap((row) => row.checks));
    for (const row of event.unscheduled) left.set(row.check_id, row);
    const sorted = (rows, key) => [...rows].sort((a, b) => order(a[key], b[key]));
    return {
      visits: sorted(visits.values(), "visit_id"), people_caps: plan.people_caps, checks: sorted([...plan.checks, ...event.checks], "check_id"),
      unscheduled: sorted([...left.values()].filter((row) => !placed.has(row.check_id)), "check_id"),
    };
  }
  report() {
    const [{ routes, parameters, report }, { visits, checks, unscheduled }] = [this.json("schedule"), this.json("visits")];
    for (const own of [parameters, report.parameters])
      need(same(own, { ...parameters, ...this.manifest.packing.parameters }), "参数与清单不同", "parameters differ from the manifest's");
    const there = presence(routes);
    const left = new Set(unscheduled.map((row) => row.check_id));
    const minutes = checks.filter((row) => !left.has(row.check_id)).map((row) => row.minutes);
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    const people = sum(routes.map((route) => route.officers));
    const found = {
      plan: {
        entries: visits.length, inspector_days: people, people_per_visit_max: Math.max(0, ...[...there.values()].map(crowd)),
        host_min: sum(visits.map((row) => Math.max(...there.get(row.visit_id).map((crew) => crew.end)) - row.start)),
      },
      alone: { entries: minutes.length, host_min: sum(minutes) },
    };
    for (const [part, values] of Object.entries(found))
      for (const [key, value] of Object.entries(values)) need(report[part][key] === value, `报告的 ${part}.${key} 应为 ${value}`, `the report's ${part}.${key} should be ${value}`);
    const bound = report.inspector_days_bound.value;
    need(report.entries_bound <= visits.length && bound <= people, "报告的下界高于计划", "a reported bound exceeds the plan");
    const gap = people ? Number((BigInt(people - bound) * MILLION + BigInt(people) - 1n) / BigInt(people)) : 0;
    need(report.gap_ppm === gap, "报告的差距不符", "the reported gap differs");
  }
}

// Every stop as [route and target, department and target].
function stopsAt(routes, visits) {
  const found = new Map();
  for (const [id, { department, stops }] of routes)
    for (const { visit_id } of stops) {
      const { target_id } = visits.get(visit_id);
      found.set(`${id}\t${target_id}`, `${department}\t${target_id}`);
    }
  return found;
}
