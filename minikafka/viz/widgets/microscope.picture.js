// The microscope's picture: one time axis, and on it what arrives and what becomes of it in A and in B.
//
//     records    ı ı  ıı ı                              ┐ the same for both
//     A          ▕▁▂▃▄◷━━━▯━━━✓    batches, in rows      │  8.6 ms   45
//       wire          ╲  ╱                               │  median   requests
//       broker     ▕‖ parked▏                            │  ▁▃█▂▁ send to acknowledged
//       consumer          ▕▒▒██▏   fetched, polled       │  ▁▂▅▂▁ send to polled
//     B          …                                      ┘
//
// Time outside of the view is painted over by the columns left and right: paper has no clips.

const NUMBERS_WIDE = 860, NUMBERS = 238, NARROW_AT = 560, AXIS = 24, TICKS = 34;
const ROWS_TALL = 162, WIRE = 22, LANE_TALL = 20, READ_TALL = 28, BELOW = 158, NUMBERS_TALL = 276, GAP = 12;

// Rows in which no batch lies over another, from its first record to its acknowledgement.
function rowsOf(batches, pad) {
  const ends = [];
  for (const batch of batches) {
    let row = ends.findIndex(end => end <= batch.opened);
    if (row < 0) row = ends.length;
    ends[row] = batch.over + pad;
    batch.row = row;
  }
  return Math.max(1, ends.length);
}

export function layout(story, width) {
  const sides = sidesOf(story), end = endOf(story, sides), isWide = width >= NUMBERS_WIDE, isNarrow = width < NARROW_AT;
  const left = isNarrow ? 70 : 108, right = isWide ? width - NUMBERS - 26 : width - 8;
  const pad = end * 9 / (right - left);
  let y = AXIS + TICKS + 14;
  for (const side of sides) {
    const rows = rowsOf(side.batches, pad), tall = Math.max(3.5, Math.min(54, ROWS_TALL / rows));
    Object.assign(side, { top: y, blocked: side.late ? 14 : 0, rows, tall });
    side.wire = Math.max(y + (isWide ? NUMBERS_TALL - 2 * WIRE - LANE_TALL - READ_TALL - GAP : 58), y + GAP + side.blocked + rows * tall + 2);
    side.broker = side.wire + WIRE;
    side.consumer = side.broker + LANE_TALL + WIRE;
    side.bottom = side.consumer + READ_TALL + GAP;
    side.numbers = isWide ? side.top : side.bottom;
    y = isWide ? side.bottom : side.bottom + (isNarrow ? BELOW + 96 : BELOW);
  }
  const scales = { acks: scaleOf(sides.map(side => side.acks)), read: scaleOf(sides.map(side => side.read)) };
  return { story, sides, end, width, left, right, isWide, isNarrow, bottom: y, height: y + 24, scales, names: story.differ };
}

// ---- the plot ------------------------------------------------------------------------------------

class Plot {
  constructor(picture, layout, view) {
    Object.assign(this, { picture, layout, view, from: view.from, to: view.to });
    this.scale = (layout.right - layout.left) / (view.to - view.from);
  }

  x(time) { return this.layout.left + (time - this.from) * this.scale; }
  near(time) { return Math.max(this.layout.left - 40, Math.min(this.layout.right + 40, this.x(time))); }
  shows(from, to) { return from <= this.view.time && from <= this.to && to >= this.from; }

  // From top to bottom, but not where numbers stand between the lanes.
  throughLanes(paintIt) {
    this.layout.sides.forEach((side, i) => paintIt(i ? side.top : AXIS - 4, side.bottom));
  }

  axis() {
    const { picture, layout: { left, right, sides } } = this, step = niceStep((this.to - this.from) / 1000, (right - left) / 74);
    for (let t = Math.ceil(this.from / 1000 / step) * step; t * 1000 <= this.to; t += step) {
      const x = this.x(t * 1000), words = `${Number(t.toFixed(3))}`;
      this.throughLanes((y0, y1) => picture.line(x, y0, x, y1, { stroke: "line" }));
      this.tickWords ??= [];
      this.tickWords.push([x, words]);
    }
    for (const side of sides) picture.line(0, side.top, this.layout.width, side.top, { stroke: "line" });
  }

  burst() {
    const { burst: [factor, first, last], window_ms } = this.layout.story;
    const x0 = this.near(first * 1000), x1 = this.near(Math.min(last, window_ms) * 1000);
    if (factor === 1 || x1 <= x0) return;
    const { picture } = this;
    this.throughLanes((y0, y1) => picture.rect(x0, y0, x1 - x0, y1 - y0, { fill: "write-soft" }));
    this.burstWords = [(x0 + x1) / 2, fitting([`burst ×${factor}`, `×${factor}`], x1 - x0, 11, true)];
  }

  arrivals() {
    const { layout: { story }, view, picture } = this, top = AXIS + 16, chosen = view.selected?.batch, points = [], own = [];
    story.arrivals.forEach((at, i) => {
      if (!this.shows(at, at)) return;
      const isOwn = chosen && i >= chosen.first && i < chosen.first + chosen.count;
      (isOwn ? own : points).push("M", this.x(at), isOwn ? top - 4 : top, "V", AXIS + TICKS + 6);
    });
    if (points.length) picture.path(points, { stroke: "write-text", stroke_width: 1.2 });
    if (own.length) picture.path(own, { stroke: "ink", stroke_width: 2 });
  }

  // ---- a side ----

  side(side) {
    this.blocked(side);
    const chosen = this.view.selected?.side === side ? this.view.selected.batch : null;
    for (const [y, tall] of [[side.broker, LANE_TALL], [side.consumer, READ_TALL]])
      this.picture.rect(this.layout.left, y, this.layout.right - this.layout.left, tall, { rx: 3, fill: "raised", stroke: "line" });
    if (chosen) this.halo(side, chosen);
    this.batches(side);
    this.wires(side);
    this.parkedFetches(side);
    this.buffer(side);
    if (chosen) this.path(side, chosen);
  }

  // When records wait for the program, because `send` waits for memory, or `flush` for answers.
  blocked(side) {
    if (!side.late) return;
    const { picture, layout: { story } } = this, y = side.top + 4;
    let from = null, until = 0;
    const draw = () => {
      if (from === null || !this.shows(from, until)) return;
      const x0 = this.near(from), x1 = this.near(Math.min(until, this.view.time));
      picture.rect(x0, y, x1 - x0, 11, { fill: "surface", stroke: "edge" });
      const words = fitting([`the program is late: ${lateWords(side.measured)}`, "the program is late", "late"], x1 - x0 - 12, 11);
      const used = words ? textWidth(words, 11) + 10 : 0;
      picture.hatch(x0 + used, y, x1 - x0 - used, 11, "edge", 4.5);
      picture.text(x0 + 5, y + 9.4, words, "ink", 11);
    };
    side.taken.forEach((at, i) => {
      if (at <= story.arrivals[i]) return;
      if (story.arrivals[i] > until) { draw(); from = story.arrivals[i]; }
      until = Math.max(until, at);
    });
    draw();
  }

  place(side, batch) {
    const h = side.tall < 9 ? side.tall - 1 : side.tall - 5, y = side.top + GAP + side.blocked + batch.row * side.tall;
    return { y, h, middle: y + h / 2 };
  }

  batches(side) {
    const { picture, view } = this, isTall = side.tall >= 9, boxes = [], fills = [], posts = [], lines = [], works = [], ticks = [], rings = [];
    const signs = [], words = [], s = Math.min(1, side.tall / 24);
    for (const batch of side.batches) {
      if (!this.shows(batch.opened, batch.over)) continue;
      const { y, h, middle } = this.place(side, batch), x0 = this.near(batch.opened), shut = Math.min(batch.closed, view.time);
      const x1 = Math.max(x0 + 1.5, this.near(shut));
      boxes.push("M", x0, y, "H", x1, "V", y + h, "H", x0, "Z");
      this.staircase(fills, side, batch, y, h, shut, x1);
      if (batch.closed > view.time) continue;
      const post = Math.max(2.5, Math.min(h, h * batch.wire / side.settings.batch_size));
      posts.push("M", x1 + 1, y + h, "V", y + h - post);
      const taken = this.near(Math.min(batch.sent, view.time)), out = this.near(Math.min(batch.left, view.time));
      if (taken - x1 > 4) picture.hatch(x1 + 2, middle - Math.min(4, h / 2), taken - x1 - 3, Math.min(8, h), "edge", 4);
      if (out - taken > 1.5) packing(picture, Math.max(taken, x1 + 2), out, middle, Math.min(8, h / 2), batch.wire / batch.size * Math.min(8, h / 2));
      if (isTall && !isAtOnce(batch)) signs.push([x1, y + Math.min(2, h / 6), batch.why]);
      if (x1 - x0 > 46 && h >= 15) words.push([x0 + 4, y + 11.5, `${batch.count} rec`]);
      if (batch.left > view.time) continue;
      const back = Math.min(batch.acked, view.time);
      if (side.settings.acks === "0") this.unheard(lines, rings, batch, middle);
      else {
        lines.push("M", this.near(batch.left), middle, "H", this.near(back));
        if (batch.answered !== null && batch.arrived <= view.time) {
          const a = this.near(batch.arrived), b = Math.max(a + 3, this.near(Math.min(batch.answered, view.time))), r = Math.min(3, h / 2.6);
          works.push("M", a, middle - r, "H", b, "V", middle + r, "H", a, "Z");
        }
        if (batch.acked <= view.time) ticks.push([Math.max(this.near(batch.acked), this.near(batch.arrived) + 9 * s), middle]);
      }
    }
    const path = (points, more) => { if (points.length) picture.path(points, more); };
    path(boxes, { fill: "surface", stroke: "write", stroke_width: isTall ? 1.1 : 0.7 });
    path(fills, { fill: "write" });
    path(posts, { stroke: "ink", stroke_width: 2.4 });
    path(lines, { stroke: "ink-2", stroke_width: 1.2 });
    path(works, { fill: "surface", stroke: "ink-2", stroke_width: 1.1 });
    path(rings, { stroke: "ink-2", stroke_width: 1.2 });
    path(ticks.flatMap(([x, y]) => ["M", x - 5 * s, y, "L", x - 1.2 * s, y + 4 * s, "L", x + 5.5 * s, y - 4.5 * s]), { stroke: "commit", stroke_width: 1 + s, stroke_linecap: "round" });
    for (const [x, y, why] of signs) closedBecause(picture, x, y, why, Math.max(0.42, Math.min(0.72, side.tall / 34)));
    for (const [x, y, text] of words) picture.text(x, y, text, "ink", 11, { halo: "surface" });
  }

  // How full the batch is: a step for every record, batch.size at the top.
  staircase(points, side, batch, y, h, shut, x1) {
    const each = (batch.size - HEADER_BYTES) / batch.count, most = Math.max(side.settings.batch_size, batch.size);
    const level = n => y + h - Math.max(1.5, h * (HEADER_BYTES + n * each) / most);
    points.push("M", this.near(batch.opened), y + h);
    for (let n = 1; n <= batch.count; n++) {
      const at = side.taken[batch.first + n - 1];
      if (at > shut) break;
      points.push("H", this.near(at), "V", level(n));
    }
    points.push("H", x1, "V", y + h, "Z");
  }

  // acks=0: it has left, and nobody says more; an open end, no tick.
  unheard(lines, rings, batch, y) {
    const x = this.near(Math.min(batch.arrived ?? batch.left, this.view.time)), r = 2.4;
    lines.push("M", this.near(batch.left), y, "H", x);
    if (batch.arrived <= this.view.time) rings.push("M", x - r, y, "A", r, r, 0, 1, 1, x + r, y, "A", r, r, 0, 1, 1, x - r, y);
  }

  // Messages between the machines: slanted by the time they take.
  wires(side) {
    const { view } = this, sent = [], acks = [], asks = [], answers = [], under = side.broker + LANE_TALL;
    const line = (points, t0, y0, t1, y1) => {
      if (t0 === null || t1 === null || t0 === undefined || !this.shows(t0, t1)) return;
      const p = view.time < t1 ? (view.time - t0) / (t1 - t0 || 1) : 1;
      points.push("M", this.x(t0), y0, "L", this.x(t0 + (t1 - t0) * p), y0 + (y1 - y0) * p);
    };
    for (const batch of side.batches) {
      line(sent, batch.left, side.wire, batch.arrived, side.broker);
      if (side.settings.acks !== "0") line(acks, batch.answered, side.broker, batch.acked, side.wire);
    }
    for (const fetch of side.fetches) {
      line(asks, fetch.left, side.consumer, fetch.arrived, under);
      line(answers, fetch.answered, under, fetch.fetched, side.consumer);
    }
    const path = (points, stroke, more = {}) => { if (points.length) this.picture.path(points, { stroke, stroke_width: 1.3, ...more }); };
    path(sent, "write");
    path(acks, "commit");
    path(asks, "read", { stroke_dasharray: "2 2.5" });
    path(answers, "read", { stroke_width: 1.8 });
  }

  parkedFetches(side) {
    const { picture, view, layout: { left, right, end } } = this, y = side.broker + 2, h = LANE_TALL - 4;
    for (const fetch of side.fetches) {
      if (fetch.parked === null) continue;
      const isOver = fetch.answered !== null && (fetch.answered <= view.time || view.time >= end); // also behind the axis
      const until = isOver ? fetch.answered : view.time;
      if (!this.shows(fetch.parked, until)) continue;
      const x0 = Math.max(left - 20, this.x(fetch.parked)), w = this.near(until) - x0, seen = Math.max(x0, left) - x0;
      const why = isOver ? { bytes: "enough bytes", timeout: "time is up" }[fetch.why] ?? fetch.why : "";
      const then = why && fetch.answered > end ? `${why} at ${ms(fetch.answered)}` : why;
      const words = fitting([`fetch waits, ${fetch.has} there${then && `; then ${then}`}`, `fetch waits: ${then || fetch.has}`, `fetch: ${then || "waits"}`, then, why, why.split(" ")[0]],
        Math.min(w, right - x0) - seen - 26, 11);
      if (seen) parked(picture, left, y, w - seen, h, words, 1.1, true);
      else parked(picture, x0, y, Math.max(3, w), h, words);
    }
    const marks = [];
    for (const { appended } of side.batches)
      if (appended !== null && this.shows(appended, appended)) marks.push("M", this.x(appended) - 1.5, side.broker - 1.5, "h", 3, "v", 3, "h", -3, "Z");
    if (marks.length) picture.path(marks, { fill: "ink" });
  }

  // Above, what is fetched and not yet polled: it waits, so it is hatched. Below, what the program has in hand.
  buffer(side) {
    const { picture, view } = this, y = side.consumer + 3, hands = side.consumer + 12, words = [];
    for (const fetch of side.fetches) {
      if (fetch.fetched === null || fetch.end === fetch.first) continue;
      const last = side.polls.find(poll => poll.end >= fetch.end)?.at ?? Infinity, until = Math.min(last, view.time);
      if (!this.shows(fetch.fetched, until) || (until - fetch.fetched) * this.scale < 2) continue;
      buffered(picture, this.near(fetch.fetched), y, this.near(until) - this.near(fetch.fetched), 7);
    }
    for (const poll of side.polls) {
      if (!this.shows(poll.at, poll.until)) continue;
      const x0 = this.near(poll.at), x1 = Math.max(x0 + 2, this.near(Math.min(poll.until, view.time)));
      inHand(picture, x0, hands, x1 - x0, 13);
      words.push([x0, x1, poll.end - poll.first]);
    }
    words.forEach(([x0, x1, count], i) => {
      const wordings = [`poll() gives ${count}`, `${count} rec`, `${count}`], within = fitting(wordings, x1 - Math.max(x0, this.layout.left) - 8, 11);
      const behind = fitting(wordings, (words[i + 1]?.[0] ?? this.layout.right) - x1 - 8, 11);
      if (within) picture.text(Math.max(x0, this.layout.left) + 4, hands + 10.2, within, "read-text", 11, { halo: "read-soft" });
      else picture.text(x1 + 4, hands + 10.2, behind, "read-text", 11, { halo: "raised" });
    });
  }

  // ---- the selected batch, through all lanes ----

  halo(side, batch) {
    const { y, h } = this.place(side, batch), x0 = this.near(batch.opened), x1 = this.near(batch.over);
    this.picture.rect(x0 - 4, y - 3, x1 - x0 + 12, h + 6, { rx: 4, fill: "cell", stroke: "ink", stroke_width: 1.2 });
  }

  path(side, batch) {
    const { picture, view } = this, under = side.broker + LANE_TALL, { y, h, middle } = this.place(side, batch), points = [], drops = [];
    const line = (t0, y0, t1, y1) => { if (t0 != null && t1 != null && t1 <= view.time) points.push("M", this.near(t0), y0, "L", this.near(t1), y1); };
    line(batch.left, side.wire, batch.arrived, side.broker);
    if (batch.left <= view.time) drops.push("M", this.near(batch.left), middle + 3, "V", side.wire);
    if (side.settings.acks !== "0") {
      line(batch.answered, side.broker, batch.acked, side.wire);
      if (batch.acked <= view.time) drops.push("M", this.near(batch.acked), middle + 5, "V", side.wire);
    }
    if (batch.fetch) line(batch.fetch.answered, under, batch.fetch.fetched, side.consumer);
    const x0 = this.near(batch.opened), x1 = Math.max(x0 + 1.5, this.near(Math.min(batch.closed, view.time)));
    points.push("M", x0, y, "H", x1, "V", y + h, "H", x0, "Z");
    for (const poll of batch.polls) {
      if (poll.at > view.time) continue;
      const a = this.near(poll.at), b = Math.max(a + 2, this.near(Math.min(poll.until, view.time)));
      points.push("M", a, side.consumer + 11, "H", b, "V", side.consumer + READ_TALL - 2, "H", a, "Z");
    }
    const { fetch } = batch;
    if (fetch?.parked != null && fetch.answered <= view.time) {
      const a = Math.max(this.layout.left, this.x(fetch.parked)), b = this.near(fetch.answered);
      points.push("M", a, under - 1, "H", b);
    }
    if (drops.length) picture.path(drops, { stroke: "ink", stroke_width: 1, stroke_dasharray: "2 3" });
    picture.path(points, { stroke: "ink", stroke_width: 2.2 });
  }

  playhead() {
    const { time } = this.view, { layout, picture } = this;
    if (time >= layout.end || time < this.from || time > this.to) return;
    this.throughLanes((y0, y1) => picture.line(this.x(time), y0, this.x(time), y1, { stroke: "ink", stroke_width: 1.2 }));
  }

  // ---- what stands left and right of it ----

  columns() {
    const { picture, layout } = this, { left, right, width, sides } = layout;
    for (const [x, w] of [[-2, left - 1], [right + 1, width - right + 1]])
      for (const side of [{ top: 0, bottom: sides[0].top }, ...sides]) {
        const isFirst = side.top === 0;
        picture.rect(x, side.top + (isFirst ? 0 : 1), w, side.bottom - side.top - (isFirst ? 0 : 1), { fill: "surface" });
      }
    for (const [x, words] of this.tickWords ?? []) {
      const isLast = x === this.tickWords.at(-1)[0];
      if (x > left - 3) picture.text(x, AXIS - 9, isLast ? `${words} ms` : words, "ink-2", 11, { text_anchor: x > right - 20 ? "end" : "middle" });
    }
    if (this.burstWords) picture.text(this.burstWords[0], AXIS + 11, this.burstWords[1], "write-text", 11, { bold: 1, text_anchor: "middle", halo: "write-soft" });
    picture.anchor("records", left - 13, AXIS + 28);
    picture.text(0, AXIS + 24, "records", "ink", 12, { bold: 1 });
    picture.text(0, AXIS + 38, "arrive", "ink-2", 11);
    for (const side of sides) this.names(side);
  }

  names(side) {
    const { picture, layout } = this, room = layout.left - 6;
    picture.text(0, side.top + 19, side.label, "ink", 14, { bold: 1 });
    picture.text(14, side.top + 18, "producer", "ink-2", 11);
    layout.names.slice(0, 2).forEach((name, i) => {
      const y = side.top + 35 + i * 30;
      if (y + 14 > side.wire) return;
      picture.text(0, y, fitting(knobNames(name), room, 11), "ink-2", 11);
      picture.text(0, y + 14, knobText(name, side.settings[name]), "ink", 12, { bold: 1 });
    });
    const disc = layout.left - 13, own = side.name;
    picture.anchor(own, disc, side.top + 16);
    picture.anchor(`${own}.wire`, disc, side.wire + WIRE / 2 - 4);
    picture.anchor(`${own}.broker`, disc, side.broker + LANE_TALL / 2);
    picture.anchor(`${own}.consumer`, disc, side.consumer + READ_TALL / 2);
    for (const [y, words] of [[side.wire + 15, "wire"], [side.broker + 14, "broker"], [side.broker + LANE_TALL + 15, "wire"], [side.consumer + 18, "consumer"]])
      picture.text(0, y, words, "ink-2", 11);
  }
}

// Compressed and handed over: as tall as the batch, then as tall as what of it goes on the wire.
function packing(p, x0, x1, y, r0, r1) {
  const r = Math.max(1, r1);
  p.path(["M", x0, y - r0, "L", x1, y - r, "V", y + r, "L", x0, y + r0, "Z"], { fill: "write-soft", stroke: "write", stroke_width: 1.1 });
}

function buffered(p, x, y, w, h) {
  p.rect(x, y, w, h, { fill: "read-soft", stroke: "read", stroke_width: 0.8 });
  p.hatch(x, y, w, h, "read", 4);
}

function inHand(p, x, y, w, h) { p.rect(x, y, w, h, { fill: w < 5 ? "read" : "read-soft", stroke: "read", stroke_width: 1.1 }); }

function niceStep(span, count) {
  const raw = span / Math.max(1, count), power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map(n => n * power).find(step => step >= raw);
}

// ---- numbers and histograms ------------------------------------------------------------------------

const BINS = 24;

// One scale for both sides: to the highest p99, rounded up; what is later stands in the last bin.
function scaleOf(all) {
  const highest = Math.max(...all.map(latencies => [...latencies].sort((x, y) => x - y)[Math.max(0, Math.ceil(latencies.length * 0.99) - 1)] ?? 1));
  const step = niceStep(highest / 1000 * 1.12 || 1, 4);
  return { step, most: step * Math.ceil(highest / 1000 * 1.12 / step) };
}

export function binsOf(latencies, most) {
  const bins = Array(BINS).fill(0);
  for (const us of latencies) bins[Math.max(0, Math.min(BINS - 1, Math.floor(us / 1000 / most * BINS)))]++;
  return bins;
}

function histogram(p, { x, y, w, h, title, latencies, scale, spread, fill, highest }) {
  const bins = binsOf(latencies, scale.most), base = y + h - 15, room = base - y - 31, wide = w / BINS, at = v => x + Math.min(1, v / scale.most) * w;
  p.text(x, y + 11, fitting(title, w, 11, true), "ink", 11, { bold: 1 });
  const bars = [];
  bins.forEach((count, i) => { if (count) bars.push("M", x + i * wide + 0.5, base, "V", base - Math.max(1.5, room * count / highest), "h", wide - 1, "V", base, "Z"); });
  if (bars.length) p.path(bars, { fill });
  p.line(x, base, x + w, base, { stroke: "edge" });
  const a = at(spread.p50), b = at(spread.p99), apart = b - a > 62;
  for (const v of [a, b]) p.line(v, y + 30, v, base, { stroke: "ink", stroke_width: 1.3, stroke_dasharray: "2.5 2" });
  if (apart) {
    p.text(Math.max(x + 13, a), y + 26, "p50", "ink", 11, { bold: 1, text_anchor: "middle" });
    p.text(Math.min(x + w - 12, b), y + 26, "p99", "ink", 11, { bold: 1, text_anchor: "middle" });
  } else p.text(Math.min(x + w - 62, Math.max(x, a - 4)), y + 26, "p50 · p99", "ink", 11, { bold: 1 });
  const ends = `${thousands(Number(scale.most.toFixed(3)))} ms`, free = x + w - textWidth(ends, 11) - 4;
  for (let v = 0; v < scale.most * 0.999; v += scale.step) {
    const words = thousands(Number(v.toFixed(3)));
    if (at(v) + textWidth(words, 11) / 2 < free) p.text(at(v), base + 12, words, "ink-2", 11, { text_anchor: v === 0 ? "start" : "middle" });
  }
  p.text(x + w, base + 12, ends, "ink-2", 11, { text_anchor: "end" });
}

// Numbers set large: value and unit, and below what they are.
function bigNumbers(p, x, y, column, isHeard, { acknowledged, requests, records_per_second, sent_bytes }) {
  const short = v => v >= 100 ? thousands(whole(v)) : v >= 10 ? v.toFixed(1) : v.toFixed(2), kilo = v => v >= 10_000 ? [`${(v / 1000).toFixed(1)}`, "k/s"] : [thousands(whole(v)), "/s"];
  const numbers = [[short(acknowledged.p50), "ms", isHeard ? ["median to the ack", "median to ack"] : ["median until sent"]], [short(acknowledged.p99), "ms", isHeard ? ["p99 to the ack", "p99 to ack"] : ["p99 until sent"]],
    [`${requests}`, "", [`requests, ${sizeText(sent_bytes)}`, "requests"]], [...kilo(records_per_second), isHeard ? ["records acknowledged", "acknowledged"] : ["records sent"]]];
  numbers.forEach(([value, unit, words], i) => {
    const left = x + i % 2 * column, top = y + (i >> 1) * 48;
    p.text(left, top + 24, value, "ink", 27, { bold: 1 });
    p.text(left + textWidth(value, 27, true) * 1.05 + 3, top + 24, unit, "ink-2", 13);
    p.text(left, top + 39, fitting(words, column - 6, 11), "ink-2", 11);
  });
}

function numbersOf(picture, layout, side) {
  const { measured: m } = side, isHeard = side.settings.acks !== "0", { isWide, isNarrow, width, right, sides, scales } = layout;
  const highest = key => Math.max(...sides.flatMap(each => binsOf(each[key], scales[key].most)));
  const acks = { title: isHeard ? ["arrival to acknowledgement", "to acknowledgement", "to the ack"] : ["arrival to sent; nobody answers", "arrival to sent"], latencies: side.acks, scale: scales.acks, spread: m.acknowledged, fill: "ink-2", highest: highest("acks") };
  const read = { title: ["arrival to poll()", "to poll()"], latencies: side.read, scale: scales.read, spread: m.polled, fill: "read", highest: highest("read") };
  const y = side.numbers + 6;
  picture.anchor(`${side.name}.numbers`, isWide ? width - 10 : isNarrow ? width - 14 : 246, y + 12);
  if (isWide) {
    const x = right + 26, w = NUMBERS;
    picture.line(right + 12, side.top, right + 12, side.bottom, { stroke: "line" });
    bigNumbers(picture, x, y, w / 2, isHeard, m);
    histogram(picture, { x, y: y + 100, w, h: 82, ...acks });
    histogram(picture, { x, y: y + 186, w, h: 82, ...read });
  } else if (isNarrow) {
    bigNumbers(picture, 0, y, width / 2, isHeard, m);
    histogram(picture, { x: 0, y: y + 110, w: width / 2 - 12, h: 120, ...acks });
    histogram(picture, { x: width / 2 + 4, y: y + 110, w: width / 2 - 12, h: 120, ...read });
  } else {
    const w = (width - 262) / 2 - 18;
    bigNumbers(picture, 0, y + 14, 122, isHeard, m);
    histogram(picture, { x: 262, y: y + 8, w, h: 122, ...acks });
    histogram(picture, { x: 262 + w + 28, y: y + 8, w, h: 122, ...read });
  }
}

// What closed how many batches, with the signs, and what else wants a word.
function legendLine(picture, { sides, width, bottom }) {
  let x = 0, y = bottom + 16;
  picture.line(0, bottom, width, bottom, { stroke: "line" });
  const add = (words, draw) => {
    const w = textWidth(words, 11) + (draw ? 20 : 0);
    if (x + w > width && x) { x = 0; y += 18; }
    draw?.(x + 6, y - 4);
    picture.text(x + (draw ? 16 : 0), y, words, "ink-2", 11);
    x += w + 12;
  };
  const counted = holds => sides.map(side => `${sides.length > 1 ? `${side.label} ` : ""}${side.batches.filter(holds).length}`).join(", ");
  const addReason = (words, holds, draw) => { if (sides.some(side => side.batches.some(holds))) add(`${words}: ${counted(holds)}`, draw); };
  add("closed because", null);
  addReason("linger.ms is 0, no sign", isAtOnce, null);
  for (const why of Object.keys(BECAUSE))
    addReason(BECAUSE[why], batch => batch.why === why && !isAtOnce(batch), (px, py) => closedBecause(picture, px, py, why, 0.7));
  if (sides.some(side => side.settings.acks !== "0"))
    add("acknowledged", (px, py) => picture.path(["M", px - 4, py, "L", px - 1, py + 3.5, "L", px + 5, py - 4], { stroke: "commit", stroke_width: 2 }));
  if (sides.some(side => side.settings.acks === "0"))
    add("acks 0: it arrives, and nobody says so", (px, py) => { picture.line(px - 6, py, px + 2, py, { stroke: "ink-2", stroke_width: 1.2 }); picture.circle(px + 4, py, 2.4, { fill: "surface", stroke: "ink-2", stroke_width: 1.2 }); });
  if (sides.some(side => side.settings.acks === "1")) add("acks 1 is as good as all: there are no replicas here", null);
  return y + 8;
}

// view: { time, from, to, selected: { side, batch } or null, numbered: anchors of the look-for list }
export function draw(layout, view) {
  const picture = new Picture(layout.width), plot = new Plot(picture, layout, view);
  plot.burst();
  plot.axis();
  plot.arrivals();
  for (const side of layout.sides) plot.side(side);
  plot.playhead();
  plot.columns();
  for (const side of layout.sides) numbersOf(picture, layout, side);
  picture.height = legendLine(picture, layout);
  callOuts(picture, view.numbered);
  return picture;
}
