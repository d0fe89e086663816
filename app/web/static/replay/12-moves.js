// Who sits where: the assignment looked at directly, drawn again, and every move after it (docs/lottery.md 7.6, 9.8, 9.9).
const MOVED = ["absence", "seat_move", "plan_change"];

// Whether any of the absences bars a person from a seat: its reason, or "".
function barredBy(bars, code, seat) {
  const bar = bars.find((row) => {
    const away = row.from !== undefined && row.to !== undefined && row.from <= seat.date && seat.date <= row.to;
    return row.inspector === code && (away || (row.routes ?? []).includes(seat.route_id));
  });
  return bar ? bar.reason : "";
}

class Moves extends Seats {
  checkAssignment(lots, seated) {
    const place = new Map(lots.groups.flatMap((row, g) => row.members.map((code) => [code, g])));
    const open = new Set(lots.arcs.filter((arc) => arc.units).map((arc) => `${arc.c} ${arc.g}`));
    const [busy, codes] = [new Set(), []];
    lots.classes.forEach(({ date, seats }, c) => {
      for (const seat of seats) {
        const code = seated[seat];
        need(open.has(`${c} ${place.get(code)}`), `${seat} 的人员没有资格`, `${seat}: its inspector is not eligible`);
        need(!busy.has(`${code} ${date}`), `${seat} 的人员一日两席`, `${seat}: its inspector has two seats on a day`);
        busy.add(`${code} ${date}`);
        codes.push(code);
      }
    });
    const served = tally(codes);
    for (const [code, g] of place) {
      const [[p, q], own] = [lots.load[g], BigInt(served.get(code) ?? 0)];
      const near = (own - 1n) * q < p && p < (own + 1n) * q;
      need(near && own <= BigInt(lots.groups[g].cap), `${code} 的席位数不是期望的上下取整`, `${code}: seats are not the load rounded down or up`);
    }
  }
  async assignment() {
    if (!this.made("seats") && this.made("plan")) {
      const { assignment, reserves, transcript } = this.json("lottery");
      need(same([assignment, reserves, transcript], [{}, {}, []]), "席位未抽却有人员", "seats that were never drawn have holders");
    }
    if (!this.made("seats")) return UNMADE;
    const { assignment: seated, reserves, transcript, seats, plan_hash } = this.json("lottery");
    need(same(Object.keys(seated).sort(order), seats.map((row) => row.seat_id)), "席位未全部分派", "seats and assignment differ");
    const lots = new Lots(this.json("lottery"));
    this.checkAssignment(lots, seated);
    const second = this.manifest.entropy_seats.map((source, i) => [source.id, entropyBytes(source, this.reveal.entropy_seats[i].value)]);
    const key = this.suite.mac(this.keys.inspectors, lp("DR1/seats", unhex(plan_hash), ...second.flat()));
    const stream = streamOf(key);
    const coins = this.observed ? Array.from(second[0][1].subarray(0, 10), (byte) => byte & 1).join("") : null;
    need(coins === null || coins.length === 10, "随机值不足十枚硬币", "the first source has no ten coins");
    const found = await halved(lots, this.observed ? unhex(plan_hash) : key, coins, this.breath);
    need(same(found.transcript, transcript), "逐级对分与公布的不同", "the halvings differ");
    need(same(dealt(lots, found.people, stream), seated), "席位与重新抽取不同", "the seats drawn again differ");
    need(same(reservesOf(lots, seated, stream), reserves), "候补与重新抽取不同", "the reserves derived again differ");
    const moved = this.moves(lots, seated);
    return this.sealOfSeats(seated, moved);
  }
  sealOfSeats(seated, moved) {
    const { seats_seal: revealed } = this.reveal;
    if (revealed === null) return ["没有席位", "no seats"];
    const found = hexOf(this.suite.hash(lp("DR1/seats-seal", this.keys.seal, canonical(seated))));
    need(found === revealed && found === this.entry("seats").digest, "人员名单的封存与公开或日志不同", "the seats' seal differs from reveal or log");
    const n = Object.keys(seated).length;
    return [`${n} 席逐级对分重抽一致，候补一致，其后换人 ${moved} 次；封存 ${found} = 公开 = 日志`, `${n} seats drawn again, reserves too, ${moved} moves after; seal ${found} = reveal = log`];
  }
  // Each event was logged as it is published; each absence moves in the next free reserve and nobody else.
  moves(lots, seated) {
    const events = this.events.filter((row) => MOVED.includes(row.type));
    const found = events.map((row) => [row.at, `round.${row.type}`, hexOf(this.suite.hash(lp("DR1/seat-event", this.keys.seal, canonical(row))))]);
    need(same(found, this.entries(...MOVED).map((row) => [row.at, row.type, row.digest])), "换人事件与日志不同", "events about seats differ from the log's");
    const [left, bars, now] = [events.filter((row) => row.type !== "plan_change"), [], new Map(Object.entries(seated))];
    let count = 0;
    while (left.length) {
      need(left[0].type === "absence", "无缺勤而换人", "a seat moves without an absence");
      while (left[0]?.type === "absence") {
        shaped(left[0], EVENTS.absence, "events");
        bars.push(left.shift());
      }
      for (const move of this.due(lots, now, bars)) {
        const event = left.shift() ?? { at: "" };
        need(same(event, { at: event.at, type: "seat_move", ...move }), `${move.seat_id} 的换人与候补次序不符`, `${move.seat_id}: not the next reserve moves in`);
        count++;
      }
    }
    return count;
  }
  due(lots, now, bars) {
    const { seats, reserves } = this.json("lottery");
    const [seatOf, caps] = [byId(seats, "seat_id"), capsOf(lots)];
    const classOf = new Map(lots.classes.flatMap((row) => row.seats.map((seat) => [seat, row.class_id])));
    const moves = [];
    for (const id of [...now.keys()].sort(order)) {
      const [seat, out] = [seatOf.get(id), now.get(id)];
      const reason = barredBy(bars, out, seat);
      if (!reason) continue;
      const held = tally([...now.values()]);
      const busy = new Set([...now].filter(([other]) => seatOf.get(other).date === seat.date).map(([, code]) => code));
      const into = reserves[classOf.get(id)].find((code) => !busy.has(code) && (held.get(code) ?? 0) < caps.get(code) && !barredBy(bars, code, seat));
      need(into, `${id} 已无候补`, `${id}: no reserve is left, yet it moves`);
      now.set(id, into);
      moves.push({ seat_id: id, class_id: classOf.get(id), out, into, reason });
    }
    return moves;
  }
}
