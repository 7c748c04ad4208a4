// The segment browser's picture: a partition's directory, and how an offset is found in it.
//
//     orders-0    ├────────②────────┤          probes: the range that is left, its middle, what it says
//                           ├────①──┤
//      …0000╲______ …0083╲______ …0168╲___     files, as wide as they have bytes; the open one is open
//                 ╲     ╲
//     .index       [95 → 1,124] [107 → 1,770]  entries, found by the same halving
//                        ╲
//     .log   ▒▒▒▒▒▒▒▒▒▒▒▒▒▓▓▓▒▒▒▒▒▒▒▒▒         the file's bytes
//            [61│ 95..99] ⤳ [61│ 100..103]     headers read, bodies hopped over, until one holds it
//
// A moment is a step of the search; moment 0 is the question. Everything is drawn from the columns and
// the steps of segment_browser.search.js.

const ROW = 21, CELL = 31, LENS = 88, BOX = 112, FILE_ROW = 18, RECORD = 78, MOST_FANS = 60, MOST_OTHERS = 8;
const PART_NAMES = { time_index: ".timeindex", index: ".index" };

// ---- layout ----------------------------------------------------------------------------------------

// `view`: what is asked for, what was found, the moment, and what the reader chose to look at.
class Sheet {
  constructor(directory, view, width) {
    this.d = directory; this.view = view; this.width = width;
    this.picture = new Picture(width);
    this.picture.places = []; // what can be clicked: [x, y, w, h, {segment, batch}]
    this.y = 0;
    this.done = view.steps.slice(0, view.moment);
    const chosen = view.chosen ?? {};
    this.isBrowsing = chosen.segment !== undefined;
    this.known = this.isBrowsing ? chosen.segment : this.done.some(step => step.segment >= 0 && step.kind !== "probe")
      ? this.done.at(-1).segment : -1;
    this.final = this.isBrowsing ? chosen.segment : view.segment;
    this.segment = directory.segments[this.known] ?? null;
    // All steps, done or not, so that the picture keeps its height.
    this.all = this.isBrowsing ? [] : view.steps.map((step, i) =>
      ({ ...step, number: i + 1, isDone: i < view.moment, isNow: i === view.moment - 1 }));
  }

  draw() {
    this.heading();
    this.names();
    this.folders();
    if (this.final >= 0) {
      for (const part of ["time_index", "index"]) this.entries(part);
      this.bytes();
      this.lens();
      this.records();
    }
    this.listing();
    this.picture.height = this.y;
    return this.picture;
  }

  // The steps of a part of the picture.
  steps(part) {
    return this.all.filter(step => step.part === part && (part === "names" || step.segment === this.final));
  }

  // Those that mark a batch of the file that is shown.
  marks() { return this.all.filter(step => step.batch !== undefined && step.segment === this.final); }

  // The last step of this kind that has been made.
  made(part, kind) { return this.steps(part).filter(step => step.kind === kind && step.isDone).at(-1); }

  heading() {
    const p = this.picture, { d } = this, count = d.segments.length;
    p.text(0, 13, d.name, "ink", 14, { bold: 1 });
    const bytes = d.segments.reduce((sum, s) => sum + s.log_bytes, 0);
    const at = textWidth(d.name, 14, true) + 12, where = `offsets ${d.log_start} to ${d.log_end - 1}`;
    const size = `${sizeText(bytes)} in ${plural(count, "segment")}`;
    const read = bytesText(this.done.reduce((sum, step) => sum + step.read, 0));
    const looked = this.isBrowsing || !this.done.length ? ""
      : fitting([`${read} of it looked at`, `looked at ${read}`], this.width * 0.42, 11, true);
    p.text(this.width, 13, looked, "read-text", 11, { bold: 1, text_anchor: "end" });
    const long = d.log_end > d.log_start ? [`${where} · ${size}`, where] : [`no record · ${size}`, "no record"];
    p.text(at, 13, fitting(long, this.width - at - textWidth(looked, 11, true) - 10, 11), "ink-2", 11);
    this.y = 24;
  }

  // -- halving ------------------------------------------------------------------------------------

  // Rows of a search: the range that is left, the number at its middle, and the words beside it.
  ladder(rows, edge, middleOf = i => (edge(i) + edge(i + 1)) / 2) {
    for (const row of rows) {
      if (row.isDone) this.rung(row, edge, middleOf);
      this.y += ROW;
    }
  }

  rung(row, edge, middleOf) {
    const p = this.picture, y = this.y + 10, weight = row.isNow ? 2 : 1.1, colour = row.isNow ? "ink" : "edge";
    let x = 9;
    if (row.middle !== undefined) {
      const x0 = Math.min(edge(row.low) + 1, this.width - 6), x1 = Math.min(edge(row.high) - 1, this.width - 1);
      x = Math.max(9, Math.min(this.width - 9, middleOf(row.middle)));
      const isRange = row.kind === "probe" || row.high - row.low > 1;
      if (isRange) {
        p.line(x0, y, x1, y, { stroke: colour, stroke_width: weight });
        for (const end of [x0, x1]) p.line(end, y - 4, end, y + 4, { stroke: colour, stroke_width: weight });
      }
    }
    const isBad = ["broken", "lie", "cut", "unread"].includes(row.kind), bold = row.isNow;
    const room = this.width - x - (isBad ? 32 : 16), left = x - (isBad ? 40 : 16);
    const wordings = [row.words, row.brief ?? ""].filter(Boolean);
    const tone = isBad ? "lost-text" : row.isNow ? "ink" : "ink-2";
    const right = fitting(wordings, room, 11, true), other = fitting(wordings, left, 11, true);
    const isRight = right.length >= other.length, words = isRight ? right : other, w = textWidth(words, 11, true);
    const side = isRight ? 1 : -1, gap = isBad ? 30 : 14;
    p.rect(isRight ? x : x - gap - w, y - 8, gap + w, 16, { fill: "surface" });
    p.text(x + side * gap, y + 4, words, tone, 11, { bold, ...(isRight ? {} : { text_anchor: "end" }) });
    if (isBad) cross(p, x + side * 19, y, 4);
    callOut(p, `${row.number}`, x, y);
  }

  // -- files ----------------------------------------------------------------------------------------

  measure() {
    const { segments } = this.d, room = this.width - 14, total = segments.reduce((sum, s) => sum + s.log_bytes, 0);
    const least = segments.length ? Math.min(26, room * 0.45 / segments.length) : 0;
    const scale = (room - least * segments.length) / (total || 1), edges = [0];
    for (const s of segments) edges.push(edges.at(-1) + least + s.log_bytes * scale);
    if (!total) edges.forEach((_, i) => { edges[i] = i * room / (segments.length || 1); });
    this.edges = edges;
  }

  names() {
    this.measure();
    const edge = i => this.edges[Math.min(i, this.edges.length - 1)];
    const middle = i => (edge(Math.floor(i)) + edge(Math.ceil(i) + 1)) / 2;
    this.ladder(this.steps("names"), edge, middle);
    this.y += 13;
  }

  folders() {
    const p = this.picture, { segments } = this.d, top = this.y + 15, y0 = top + 15, y1 = y0 + 36;
    this.folderEnd = y1;
    this.yFolder = y0;
    if (!segments.length) {
      freeSlot(p, 0, y0, Math.min(200, this.width - 2), 36);
      p.text(10, y0 + 22, "no .log file here", "ink-2", 11);
    }
    segments.forEach((s, i) => this.folder(s, i, top, y0, y1));
    const [first] = segments;
    if (first) bracket(p, 1.5, y0, y1 + 1);
    if (first && this.d.log_start > first.base) p.text(10, y1 + 13, `log start ${this.d.log_start}`, "ink", 11, { bold: 1 });
    this.logEnd(top - 17, y1 + 2);
    this.y = y1 + 16;
  }

  folder(s, i, top, y0, y1) {
    const p = this.picture, x0 = this.edges[i] + 1, x1 = this.edges[i + 1] - 1.5, isOpen = i === this.d.segments.length - 1;
    const name = fileName(s.base), tab = Math.min((x1 - x0) * 0.9, textWidth(name, 11) + 14);
    const { cut } = this.d, isCut = this.isAfterCut() && i > cut.segment, isHere = i === this.known;
    folder(p, { x0, x1: isOpen ? x1 + 12 : x1, top, y0, y1, tab: x1 - x0 < 12 ? 0 : tab, isOpen, dashed: isCut,
      stroke: isCut ? "lost" : isHere ? "ink" : "edge" });
    if (isHere) p.line(x0, y1 + 1, isOpen ? x1 + 12 : x1, y1 + 1, { stroke: "ink", stroke_width: 2.4 });
    p.text(x0 + 5, top + 11, fitting([name, `${s.base}`], tab - 8, 11), isHere ? "ink" : "ink-2", 11, { bold: isHere });
    if (isHere && tab < 40) {
      const isLeft = x0 + textWidth(name, 11, true) > this.width, anchor = isLeft ? "end" : "start";
      p.text(isLeft ? x1 : x0, top + 9, name, "ink", 11, { bold: 1, halo: "surface", text_anchor: anchor });
    }
    const last = this.lastOf(s), room = x1 - x0 - 12;
    const offsets = last >= s.base ? span(s.base, last + 1) : "empty";
    p.text(x0 + 7, y0 + 15, fitting([offsets, `${s.base}`], room, 11, true), "ink", 11, { bold: 1 });
    p.text(x0 + 7, y0 + 29, fitting([sizeText(s.log_bytes)], room, 11), "ink-2", 11);
    if (s.damage && x1 - x0 > 16) cross(p, Math.max(x0 + 8, x1 - 10), y0 + 12, 4.5);
    if (isCut) cross(p, (x0 + x1) / 2, y0 + 18, 6);
    p.places.push([x0, top, x1 - x0 + (isOpen ? 12 : 0), y1 - top, { segment: i }]);
    if (i === 0) p.anchor("name", x0 + (tab < 40 ? 9 : tab + 12), top + 4);
    if (isOpen) p.anchor("open", Math.min(this.width - 10, x1 + 8), y1 - 9);
  }

  lastOf(s) {
    if (s.isWhole || s.hasTail) return s.batches.at(-1)?.last ?? s.base - 1;
    return (this.d.segments[s.at + 1]?.base ?? this.d.log_end) - 1;
  }

  isAfterCut() { return Boolean(this.made("names", "cut")); }

  // The log end; where recovery would cut, only once it has.
  logEnd(y0, y1) {
    const { d } = this, last = d.segments.length - 1;
    if (last < 0 || (d.cut && !this.isAfterCut())) return;
    const at = d.cut ? d.cut.segment : last, s = d.segments[at], part = d.cut ? d.cut.position / (s.log_bytes || 1) : 1;
    const x = this.edges[at] + (this.edges[at + 1] - this.edges[at]) * part, label = `LEO ${d.log_end}`;
    const w = textWidth(label, 11, true) + 11, p = this.picture;
    if (x + w < this.width) { flag(p, x, y0, y1, label, 1); return; }
    // No room at the right: the post there, the label on its left.
    p.line(x, y0, x, y1, { stroke: "ink", stroke_width: 1.6 });
    p.text(x - 5, y0 + 11, label, "ink", 11, { bold: 1, text_anchor: "end" });
  }

  // -- index files ------------------------------------------------------------------------------------

  entries(part) {
    const isTime = part === "time_index", steps = this.steps(part), { view } = this;
    const isShown = isTime ? view.by === "timestamp" || this.isBrowsing : true;
    if (!isShown) return;
    const p = this.picture, s = this.segment, final = this.d.segments[this.final], entries = final[part];
    if (s) this.beam(isTime);
    this.y += 14;
    if (s) {
      const name = `${fileName(s.base).slice(0, -4)}${PART_NAMES[part]}`, at = textWidth(name, 12, true) + 10;
      p.text(0, this.y, name, "ink", 12, { bold: 1 });
      const size = isTime ? 12 : 8, kind = isTime ? "timestamp → offset" : "offset → byte in the .log";
      const count = counted(entries.length, "entry", "entries");
      const wordings = [`${count} of ${size} bytes: ${kind}`, `${count}: ${kind}`, count];
      const words = fitting(wordings, this.width - at, 11);
      p.text(at, this.y, words, "ink-2", 11);
      p.anchor(part, Math.min(this.width - 10, at + textWidth(words, 11) + 12), this.y - 4);
    }
    this.y += 7;
    const w = this.width / Math.max(1, entries.length), cell = Math.min(w, 132), edge = i => i * cell;
    this.ladder(steps, edge);
    if (s) this.cells(part, entries, edge, cell);
    this.yCells = this.y + CELL;
    this.cell = cell;
    this.y += CELL + (isTime && view.by === "timestamp" && !this.isBrowsing ? 22 : 6);
  }

  // From the folder of the chosen file down to what is in it.
  beam(isTime) {
    if (this.beamDrawn) return;
    this.beamDrawn = true;
    const x0 = this.edges[this.known] + 1, x1 = this.edges[this.known + 1] - 1;
    this.picture.path(["M", x0, this.folderEnd + 2, "H", x1, "L", this.width, this.y, "H", 0, "Z"], { fill: "raised" });
  }

  cells(part, entries, edge, cell) {
    const p = this.picture, isTime = part === "time_index", y = this.y, jump = this.made(part, "jump"), lie = this.made(part, "lie");
    if (!entries.length) {
      freeSlot(p, 0.5, y, 130, CELL);
      p.text(10, y + 19, "no entry", "ink-2", 11);
    }
    const words = entry => isTime ? timeWordings(entry.key) : [`${entry.key}`];
    const middle = { text_anchor: "middle" };
    const thin = cell < 5;
    if (thin) this.teeth();
    entries.forEach((entry, i) => {
      const x = edge(i), isIt = jump?.slot === i;
      if (thin && !isIt && !entry.lie) return;
      const w = Math.max(2, cell - 2), bad = entry.lie || (isIt && lie);
      p.rect(x + 1, y, w, CELL, { rx: 2, fill: isIt ? "read-soft" : "surface", stroke: bad ? "lost" : isIt ? "read" : "edge",
        stroke_width: isIt ? 2 : 1, ...(bad ? { stroke_dasharray: "3 2.5" } : {}) });
      p.text(x + cell / 2, y + 13, fitting(words(entry), cell - 6, 11, true), "ink", 11, { bold: 1, ...middle });
      const to = fitting([`→ ${thousands(entry.to)}`], cell - 6, 11);
      p.text(x + cell / 2, y + 26, to, bad ? "lost-text" : "ink-2", 11, middle);
      if (bad) cross(p, x + w - 6, y + 7, 4);
      if (isIt && isTime) this.down(x + cell / 2, y + CELL, `offset ${entry.to}`);
    });
    const chosen = entries[jump?.slot];
    if (chosen && cell < 46) this.beside(chosen, part, edge(jump.slot), cell);
  }

  // So many entries that none has room: teeth.
  teeth() {
    const p = this.picture, y = this.y, points = [];
    p.rect(0.5, y, this.width - 1, CELL, { rx: 2, fill: "surface", stroke: "edge" });
    for (let x = 5; x < this.width - 2; x += 5) points.push("M", x, y + CELL - 9, "V", y + CELL - 1);
    p.path(points, { stroke: "edge", stroke_width: 0.8 });
  }

  // What the chosen entry says, beside it, where it has no room for that itself.
  beside(entry, part, x, cell) {
    const p = this.picture, { y } = this;
    const words = `${part === "time_index" ? timeWords(entry.key, true) : entry.key} → ${thousands(entry.to)}`;
    const w = textWidth(words, 11, true), isLeft = x + cell + w + 12 > this.width;
    p.rect(isLeft ? x - w - 8 : x + cell + 2, y - 1, w + 8, CELL + (cell < 5 ? -9 : 2), { fill: "surface" });
    p.text(isLeft ? x - 5 : x + cell + 6, y + 16, words, "read-text", 11, { bold: 1, text_anchor: isLeft ? "end" : "start" });
  }

  down(x, y, words) {
    const p = this.picture;
    p.line(x, y + 1, x, y + 13, { stroke: "read", stroke_width: 2 });
    arrowHead(p, x, y, x, y + 18, "read");
    const isLeft = x + 12 + textWidth(words, 11, true) > this.width, anchor = isLeft ? "end" : "start";
    p.text(isLeft ? x - 9 : x + 9, y + 15, words, "read-text", 11, { bold: 1, text_anchor: anchor });
  }

  // -- the log file -----------------------------------------------------------------------------------

  xByte(position) { return this.width * Math.min(1, position / (this.segment?.log_bytes || 1)); }

  bytes() {
    const p = this.picture, s = this.segment, y = this.y + 30;
    if (s) {
      this.fans(s, y);
      if (s.log_bytes) this.bar(s, y); else freeSlot(p, 0.5, y, 130, 20);
    }
    this.yBar = y;
    this.y = y + 42;
  }

  caption(s, y) {
    const p = this.picture;
    const name = fileName(s.base), at = textWidth(name, 12, true) + 10;
    p.text(0, y, name, "ink", 12, { bold: 1 });
    const count = s.isWhole || s.damage ? `${batchesText(s.batches.length)}`
      : `${s.batches.length} batches read, bytes ${thousands(s.begin)} to ${thousands(s.end)}`;
    const words = s.log_bytes ? [`${bytesText(s.log_bytes)}, ${count}`, sizeText(s.log_bytes)]
      : ["empty: the first batch will stand at byte 0"];
    const torn = s.damage && !s.damage.readable
      ? `${this.isAfterCut() ? "cut" : "torn"}: ${bytesText(s.log_bytes - s.damage.position)}` : "";
    const room = this.width - at - (torn && textWidth(torn, 11, true) + 10);
    p.text(at, y, fitting(words, room, 11), "ink-2", 11);
    if (torn) p.text(this.width, y, torn, "lost-text", 11, { bold: 1, text_anchor: "end" });
  }

  bar(s, y) {
    const p = this.picture;
    p.rect(0.5, y, this.width - 1, 20, { rx: 2, fill: "raised", stroke: "edge", stroke_width: 1 });
    let run = null;
    const flush = () => {
      if (!run) return;
      const [x0, x1] = run.map(position => this.xByte(position));
      p.rect(x0 + 0.8, y + 1.5, x1 - x0 - 1.6, 17, { rx: 1.5, fill: "cell", stroke: "edge", stroke_width: 0.8 });
    };
    for (const batch of s.batches) {
      const end = batch.position + batch.size;
      if (run && this.xByte(end) - this.xByte(run[0]) < 4) run[1] = end;
      else { flush(); run = [batch.position, end]; }
    }
    flush();
    this.visited(s, y);
    for (const batch of s.batches)
      if (batch.bad) cross(p, this.xByte(batch.position + batch.size / 2), y + 10, 5);
    if (s.hasTail || (this.isAfterCut() && s.at === this.d.cut.segment)) this.torn(s, y);
    p.places.push([0, y - 4, this.width, 28, { segment: s.at, bar: true }]);
  }

  // What the search read there, in the colour of reading; headers only.
  visited(s, y) {
    const p = this.picture;
    if (this.isBrowsing) {
      const batch = s.batches[this.view.chosen.batch];
      if (batch) this.outline(batch, y, { fill: "none", stroke: "ink" });
      return;
    }
    for (const step of this.marks().filter(step => step.isDone)) {
      for (let i = step.batch; i < (step.until ?? step.batch + 1) && i < s.batches.length; i++) {
        const batch = s.batches[i], x = this.xByte(batch.position);
        if (step.kind === "found") this.outline(batch, y, { fill: "read-soft", stroke: "read" });
        else {
          const read = step.kind === "fits" ? batch.size : HEADER_BYTES;
          p.rect(x + 1, y + 2, Math.max(2, this.xByte(batch.position + read) - x - 2), 16, { fill: "read" });
        }
      }
    }
  }

  outline(batch, y, colours) {
    const x = this.xByte(batch.position), w = this.xByte(batch.position + batch.size) - x;
    this.picture.rect(x + 0.4, y - 1, Math.max(3, w - 0.8), 22, { rx: 2, stroke_width: 2.2, ...colours });
  }

  torn(s, y) {
    const p = this.picture, end = this.width - 0.5, from = this.isAfterCut() ? this.d.cut.position : s.end;
    const w = Math.max(4, end - this.xByte(from)), x = end - w;
    p.rect(x, y, w, 20, { rx: 2, fill: "surface", stroke: "lost", stroke_width: 1.6, stroke_dasharray: "3 2.5" });
    if (!this.isAfterCut()) p.hatch(x + 2, y + 2, Math.max(0, w - 4), 16, "lost", 5);
    cross(p, x + w / 2, y + 10, 5.5);
    p.anchor("torn", Math.max(9, x - 12), y + 10);
  }

  // Lines from the entries to the batches that they point to.
  fans(s, y) {
    const p = this.picture, { index } = s, jump = this.made("index", "jump");
    const every = Math.max(1, Math.ceil(index.length / MOST_FANS));
    index.forEach((entry, i) => {
      if (i % every || entry.lie || jump?.slot === i) return;
      const x0 = this.cell * (i + 0.5), x1 = Math.min(this.width - 1, Math.max(1.5, this.xByte(entry.to)));
      p.line(x0, this.yCells + 1, x1, y - 5, { stroke: "edge", stroke_width: 0.9 });
      p.circle(x1, y - 4, 2, { fill: "ink-2" });
    });
    const entry = index[jump?.slot];
    if (!jump || (entry && entry.lie)) return;
    const x0 = entry ? this.cell * (jump.slot + 0.5) : 9, x1 = Math.max(3, this.xByte(entry ? entry.to : 0));
    p.line(x0, this.yCells + 1, x1, y - 6, { stroke: "read", stroke_width: 2.2 });
    arrowHead(p, x0, this.yCells, x1, y, "read");
    p.anchor("jump", (x0 + x1) / 2 + 14, (this.yCells + y) / 2);
  }

  // -- the lens -----------------------------------------------------------------------------------------

  // Which batches are large enough to be read: those on the way, or those around what was chosen.
  window(s) {
    const most = Math.max(2, Math.floor((this.width + 10) / (BOX + 10)));
    const all = s.batches.length + (s.hasTail ? 1 : 0);
    let from = 0, to = 0;
    if (this.isBrowsing) from = to = this.view.chosen.batch ?? 0;
    else {
      const way = this.marks();
      from = way[0]?.batch ?? 0;
      const last = way.at(-1);
      to = last ? (last.kind === "hop" ? last.until - 1 : last.batch) : 0;
      if (this.view.by === "recovery") from = Math.max(0, (this.d.cut ? to : all - 1) - most + 2);
    }
    if (to - from + 1 > most) {
      const items = [from, from + 1 < to - most + 3 ? "gap" : from + 1];
      for (let i = to - most + 3; i <= to; i++) items.push(i);
      return most > 2 ? items : [from, to];
    }
    const spare = most - (to - from + 1), after = Math.min(this.isBrowsing ? Math.ceil(spare / 2) : 1, spare, all - 1 - to);
    const start = from - (this.isBrowsing ? Math.min(from, spare - after) : 0);
    const end = Math.max(to + after, Math.min(all - 1, start + most - 1));
    return Array.from({ length: Math.max(0, end - start + 1) }, (_, i) => start + i);
  }

  lens() {
    const p = this.picture, s = this.segment, y = this.y + 30;
    if (s) {
      const items = this.window(s), step = (this.width + 9) / Math.max(1, items.length), w = Math.min(step - 10, 190);
      const real = items.filter(i => s.batches[i]);
      if (real.length) {
        const a = s.batches[real[0]], b = s.batches[real.at(-1)], end = items.length * (w + 10) - 10;
        p.path(["M", this.xByte(a.position), this.yBar + 21, "H", this.xByte(b.position + b.size), "L", end, y,
          "H", 0, "Z"], { fill: "raised" });
      }
      this.caption(s, this.yBar + 35);
      items.forEach((i, at) => this.box(s, i, at * (w + 10), y, w));
      this.arcs(s, items, y, w);
      if (real.length) p.anchor("header", w - 9, y);
    }
    this.y = y + LENS + 6;
  }

  verdict(i) {
    return this.marks().find(step => step.isDone && step.batch <= i && i < (step.until ?? step.batch + 1));
  }

  box(s, i, x, y, w) {
    const p = this.picture;
    if (i === "gap") { p.text(x + w / 2, y + 40, "…", "ink-2", 14, { text_anchor: "middle" }); return; }
    const batch = s.batches[i];
    if (!batch) { this.tail(s, x, y, w); return; }
    const step = this.verdict(i), isFound = step?.kind === "found";
    const isChosen = this.isBrowsing && this.view.chosen.batch === i;
    p.rect(x, y, w, 66, { rx: 3, fill: "surface", stroke: batch.bad ? "lost" : isFound ? "read" : isChosen ? "ink" : "edge",
      stroke_width: isFound || isChosen ? 2.2 : 1.2, ...(batch.bad ? { stroke_dasharray: "4 3" } : {}) });
    p.rect(x + 2.5, y + 2.5, 17, 61, { rx: 1.5, stroke_width: 1,
      ...(step ? { fill: "read-soft", stroke: "read" } : { fill: "cell" }) });
    p.text(x + 11, y + 37, "61", step ? "read-text" : "ink-2", 11, { text_anchor: "middle" });
    const at = x + 25, room = w - 30;
    const size = bytesText(batch.size);
    const lines = [batch.isControl ? ["control"] : [plural(batch.record_count, "record")],
      [...(batch.attributes & 7 ? [`${size} · ${batch.codec}`] : []), size], [timeWords(batch.max_timestamp, true)]];
    p.text(at, y + 15, fitting([spanOf(batch), `from ${batch.base}`, `${batch.base}`], room, 12, true), "ink", 12, { bold: 1 });
    lines.forEach((words, row) => p.text(at, y + 30 + row * 15, fitting(words, room, 11), "ink-2", 11));
    p.text(x + 1, y + 80, fitting([`byte ${thousands(batch.position)}`], w, 11), "ink-3", 11);
    this.under(batch, step, x, y, w);
    p.places.push([x, y, w, 66, { segment: s.at, batch: i }]);
    if (isFound) p.anchor("found", x + w - 11, y + 54);
    else if (!step && !batch.bad) p.anchor("header", x + w - 9, y);
  }

  under(batch, step, x, y, w) {
    const p = this.picture, right = { text_anchor: "end", bold: 1 };
    const room = w - textWidth(`byte ${thousands(batch.position)}`, 11) - 6;
    if (batch.bad) {
      cross(p, x + w - 10, y + 11, 5);
      const why = batch.bad.includes("CRC") ? "CRC does not fit" : "out of order";
      p.text(x + w, y + 80, fitting([why, "damaged"], w - 60, 11, true), "lost-text", 11, right);
    } else if (step?.kind === "found") {
      p.text(x + w - 14, y + 80, fitting(["read from here", "read on", "read"], room - 20, 11, true), "read-text", 11, right);
      pointer(p, x + w - 6, y + 72);
    } else if (step?.kind === "fits") tick(p, x + w - 10, y + 76);
    else if (step?.brief) p.text(x + w, y + 80, fitting([step.brief], room, 11), "ink-2", 11, { text_anchor: "end" });
  }

  tail(s, x, y, w) {
    const p = this.picture, left = s.log_bytes - s.end, gone = this.isAfterCut();
    p.rect(x, y, w, 66, { rx: 3, fill: "surface", stroke: "lost", stroke_width: 1.6, stroke_dasharray: "4 3" });
    cross(p, x + w - 12, y + 13, 5.5);
    p.text(x + 8, y + 17, bytesText(left), "lost-text", 12, { bold: 1 });
    const words = gone ? "cut off" : s.end === s.damage.position ? s.damage.reason : "no batch begins here", lines = [""];
    for (const word of words.split(" ")) {
      if (textWidth(`${lines.at(-1)} ${word}`, 11) > w - 12) lines.push("");
      lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
    }
    lines.slice(0, 3).forEach((line, i) => p.text(x + 8, y + 32 + i * 13, line, "ink-2", 11));
    p.text(x + 1, y + 80, fitting([`byte ${thousands(s.end)}`], w, 11), "ink-3", 11);
  }

  // Hops from header to header.
  arcs(s, items, y, w) {
    const p = this.picture, xOf = at => at * (w + 10) + 11;
    const hops = this.marks().filter(step => step.isDone && step.part === "log");
    let from = null;
    for (const step of hops) {
      const at = items.indexOf(step.batch), here = at < 0 ? items.indexOf("gap") : at;
      if (here < 0) continue;
      const x = xOf(here) + (at < 0 ? w / 2 - 11 : 0);
      if (from !== null && from < x) {
        const colour = { stroke: "read", stroke_width: step.isNow ? 2.4 : 1.6 };
        p.path(["M", from, y - 2, "C", from + 8, y - 18, x - 8, y - 18, x, y - 4], colour);
        arrowHead(p, x - 6, y - 12, x, y - 1, "read");
      }
      callOut(p, `${step.number}`, x, y - 17);
      from = x;
    }
  }

  // -- records --------------------------------------------------------------------------------------------

  records() {
    const { view } = this, s = this.segment, isBrowsed = this.isBrowsing && view.chosen.batch !== undefined;
    if (!isBrowsed && (this.isBrowsing || !view.found)) return;
    const y = this.y + 14, p = this.picture;
    this.y += 66;
    const at = isBrowsed ? view.chosen.batch : this.done.some(step => step.kind === "found") ? view.found.batch : -1;
    const batch = s?.batches[at];
    if (!batch) return;
    p.text(0, y, `records of ${spanOf(batch)}`, "ink", 12, { bold: 1 });
    if (!batch.records) {
      p.text(0, y + 20, batch.bad ? `not decoded: ${batch.bad}` : "not decoded for this picture", "ink-2", 11);
      return;
    }
    const shown = batch.records.slice(0, Math.max(1, Math.floor(this.width / RECORD)));
    shown.forEach((record, i) => this.record(record, i * RECORD, y + 7));
    const more = batch.records.length - shown.length;
    if (more > 0) p.text(this.width, y, `and ${more} more`, "ink-2", 11, { text_anchor: "end" });
  }

  record([offset, time, key], x, y) {
    const p = this.picture, { view } = this, isIt = !this.isBrowsing && offset === view.found?.offset;
    const middle = { text_anchor: "middle" };
    p.rect(x + 0.5, y, RECORD - 6, 40, { rx: 3, stroke_width: 2,
      ...(isIt ? { fill: "read-soft", stroke: "read" } : { fill: "cell" }) });
    p.text(x + 36, y + 16, `${offset}`, "ink", 12, { bold: 1, ...middle });
    if (view.by === "timestamp") p.text(x + 36, y + 32, fitting(timeWordings(time), 70, 11), "ink-2", 11, middle);
    else this.key(key, x + 36, y + 28);
  }

  key(key, x, y) {
    const which = this.view.keys.indexOf(key), shape = which < 0 ? 0 : 13;
    const words = fitting([key ?? "no key", `${(key ?? "").slice(0, 5)}…`], 66 - shape, 11);
    const start = x - (textWidth(words, 11) + shape) / 2;
    if (which >= 0) keyShape(this.picture, which, start + 5, y);
    this.picture.text(start + shape, y + 4, words, "ink-2", 11);
  }

  // -- all files -------------------------------------------------------------------------------------------

  listing() {
    const p = this.picture, { files, segments } = this.d, s = this.segment ?? segments.at(-1);
    const own = files.filter(file => s && file.base_offset === s.base), others = files.filter(file => file.base_offset < 0);
    const rows = [...own, ...others.slice(0, MOST_OTHERS)], rest = files.length - rows.length;
    this.y += 16;
    p.line(0, this.y - 12, this.width, this.y - 12, { stroke: "line" });
    p.text(0, this.y + 5, "In this directory", "ink", 12, { bold: 1 });
    const whose = others.length > MOST_OTHERS ? "" : " of other segments";
    const more = fitting([`and ${plural(rest, "file")}${whose}`, `and ${rest}`], this.width - 120, 11);
    if (rest) p.text(this.width, this.y + 5, more, "ink-2", 11, { text_anchor: "end" });
    const names = rows.map(file => file.name.replace(/^[0-9]{16}(?=[0-9]{4}\.)/, "…"));
    const name = Math.min(this.width * 0.42, Math.max(90, ...names.map(each => textWidth(each, 11))));
    const at = name + 66, bar = this.width < 560 ? 40 : 150, most = Math.max(1, ...rows.map(file => file.size_bytes));
    rows.forEach((file, i) => {
      this.y += FILE_ROW;
      const y = this.y + 5, isLeftover = /\.(deleted|cleaned|swap|cut-from-[0-9]+)$/.test(file.name);
      p.text(0, y, this.shortened(names[i], name), "ink", 11);
      p.text(name + 56, y, sizeText(file.size_bytes), "ink-2", 11, { text_anchor: "end" });
      p.rect(at, y - 8, Math.max(1, bar * file.size_bytes / most), 9, { fill: isLeftover ? "none" : "edge", stroke: "edge" });
      p.text(at + bar + 10, y, this.shortened(this.says(file, s), this.width - at - bar - 10), "ink-2", 11);
    });
    this.y += 10;
  }

  says(file, s) {
    if (file.base_offset < 0) return file.says;
    if (file.name.endsWith(".timeindex")) return this.entriesSay(file, s.time_index, 12);
    if (file.name.endsWith(".index")) return this.entriesSay(file, s.index, 8);
    if (!file.name.endsWith(".log")) return file.says;
    if (s.damage) return s.damage.readable ? "damaged in the middle" : "torn at its end";
    return s.at === this.d.segments.length - 1 ? "open: it grows" : "sealed";
  }

  entriesSay(file, entries, size) {
    const count = counted(entries.length, "entry", "entries"), lies = entries.filter(entry => entry.lie).length;
    if (file.size_bytes - entries.length * size >= size) return `${count}, the rest is kept free`;
    if (file.size_bytes % size) return `${count} and a part of one`;
    return lies ? `${count}, ${lies} of them wrong` : count;
  }

  shortened(words, room) {
    if (textWidth(words, 11) <= room) return words;
    let text = words;
    while (text && textWidth(`${text}…`, 11) > room) text = text.slice(0, -1);
    return text.length > 4 ? `${text.trimEnd()}…` : "";
  }
}
