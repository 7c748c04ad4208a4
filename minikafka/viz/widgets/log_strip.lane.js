// One lane of a log strip: a partition's log on its broker.
//
//     ┌ tag: records on their way ┐                      a row per thing, from top to bottom,
//                         HW 6 ◄▌▐► LEO 8                so nothing can collide:
//     orders-0  …0000.log  …0004.log                       tag, flags, file tabs, batches,
//     ♛ broker  [▭▭▭▭    ][▭▭▨▨ ┊                          index entries, log start, a row
//     index       •  •      •                              per reader, and the lens: some
//               log start 0    ╲   ╲                       records large, with key and value
//               billing 2 ▲──lag 4──┤ ╲
//               ╔0╗╔1╗ … ╔6╗╔7╗┊8 next
//
// Where many lanes stand under each other they fold: smaller, and without a lens. `open` says how
// far a lane is unfolded, from 0 to 1.
//
// Batches too narrow to be told apart are drawn as one box a file, with their count in words; where
// a record has room for its key, it is drawn with it.

const MERGE_PX = 8, MARK_GAP_PX = 4, PIN_GAP_PX = 5, KEY_PX = 50;

class Strip {
  constructor(picture, layout, lane, y, { window, open = 1 }) {
    this.picture = picture; this.layout = layout; this.lane = lane;
    this.from = window.from; this.scale = window.scale; this.open = open;
    const mix = (folded, full) => folded + (full - folded) * open;
    const readers = Object.keys(lane.readers).length, pins = layout.has_pins ? 11 : 0;
    this.height = mix(24, layout.batch);
    this.yTag = y;
    this.yFlag = y + (layout.has_flights ? mix(13, 28) : 4);
    this.yTab = this.yFlag + mix(17, 21);
    this.yBox = this.yTab + 15;
    this.yBatch = this.yBox + mix(4, 5);
    this.yEnd = this.yBatch + this.height + mix(4, 5);
    this.yReaders = this.yEnd + pins + mix(3, 22);
    this.pitch = 24 * open;
    this.yLens = this.yReaders + this.pitch * readers + 26;
    this.bottom = mix(Math.max(this.yReaders + (readers ? 17 : 4), this.yTab + 56),
      this.yLens + layout.lens + (readers ? 27 : 8));
  }

  x(offset) { return this.layout.left + (offset - this.from) * this.scale; }
  offset(x) { return this.from + (x - this.layout.left) / this.scale; }
  get isFolded() { return this.open < 0.5; }

  // Offsets that stand within the picture; -1 for those left of it, 1 for those right of it.
  side(offset) {
    const x = this.x(offset);
    return x < this.layout.left - 0.6 ? -1 : x > this.layout.width - 6 ? 1 : 0;
  }
  inside(x) { return Math.max(this.layout.left, Math.min(this.layout.width - 6, x)); }
  // Shapes may stick out a little, so that one sees they go on.
  clip(x) { return Math.max(this.layout.left - 12, Math.min(this.layout.width + 20, x)); }

  draw(view, start, isChosen) {
    if (!view) return this.name(view, isChosen);
    const lens = this.open > 0.99 ? new Lens(this, view, start) : null;
    const layers = [
      () => { lens?.beam(); this.deleted(view); }, () => this.segments(view), () => this.slot(view),
      () => this.batches(view), () => this.pins(view), () => { this.margin(); this.name(view, isChosen); },
      () => this.posts(view), () => this.isFolded ? this.foldedReaders(view) : this.readers(view),
      () => this.tags(view), () => lens?.draw(),
    ];
    for (const layer of layers) this.picture.group(layer);
  }

  // Ground for the names, over what sticks out to the left.
  margin() {
    if (this.from > this.lane.first)
      this.picture.rect(-16, this.yTab - 1, this.layout.left + 12, this.yEnd - this.yTab + 14, { fill: "surface" });
  }

  name(view, isChosen) {
    const paint = this.picture, { lane } = this, y = this.yTab + 12;
    const room = this.layout.left - 12, name = shortened(lane.name, room, 14, true);
    paint.text(0, y, name, "ink", 14, { bold: 1 });
    const underline = textWidth(name, 14, true) * 0.92;
    if (isChosen) paint.line(0, y + 4, underline, y + 4, { stroke: "ink", stroke_width: 2 });
    if (!view) return void paint.text(0, y + 17, "not there", "ink-3", 11);
    const leads = view.epoch !== null;
    if (leads) crown(paint, 7, y + 13.5, view.is_deposed || view.down ? "edge" : "rule");
    if (leads && view.down) paint.line(-1, y + 18, 15, y + 9, { stroke: "lost", stroke_width: 1.8 });
    paint.text(leads ? 19 : 0, y + 17, shortened(lane.broker, room - (leads ? 19 : 0), 11), "ink-2", 11);
    const ribbonWidth = leads ? ribbon(paint, 0.5, y + 24, `e${view.epoch}`) + 8 : 0;
    if (view.down) paint.text(ribbonWidth, y + (leads ? 35 : 32), "down", "lost-text", 11, { bold: 1 });
    if (!this.layout.has_pins || this.isFolded) return;
    paint.text(0, this.yEnd + 12, "index", "ink-3", 11);
    paint.anchor("index", textWidth("index", 11) + 14, this.yEnd + 8);
  }

  // -- files and batches --------------------------------------------------------------------------

  deleted(view) {
    const { lane } = this, first = view.first;
    const x0 = this.inside(this.x(lane.first)), x1 = this.inside(this.x(first));
    if (x1 <= x0) return;
    const y = this.yBatch + this.height / 2;
    this.picture.line(x0, y, x1 - 4, y, { stroke: "edge", stroke_dasharray: "2 3" });
    const words = fitting([`${span(lane.first, first)} deleted`, "deleted"], x1 - x0 - 8, 11);
    this.picture.text((x0 + x1) / 2, y - 6, words, "ink-3", 11, { text_anchor: "middle" });
  }

  segments(view) {
    const paint = this.picture, bases = view.segments.map(([base]) => base), { left, slot } = this.layout;
    view.segments.forEach(([base, goes], i) => {
      const isOpen = i === bases.length - 1, end = isOpen ? view.log_end : bases[i + 1];
      if (this.side(base) > 0 || (!isOpen && this.side(end) < 0)) return;
      const x0 = this.clip(this.x(base) + 1), x1 = this.clip(this.x(end) + (isOpen ? slot + 8 : -1.5));
      const name = fileName(base), begin = Math.max(x0, left - 4);
      const tab = Math.min((x1 - begin) * 0.92, textWidth(name, 11) + 14);
      folder(paint, { x0, x1, top: this.yTab, y0: this.yBox, y1: this.yEnd, tab: begin - x0 + tab, isOpen,
        stroke: view.down ? "lost" : "edge", dashed: goes || view.down });
      if (tab >= 10) {
        const filled = this.x(end) - begin, room = filled > 12 ? Math.min(tab - 7, filled - 6) : tab - 7;
        const number = this.isWide(view, room) ? `${base}` : "";
        const words = fitting([name, name.replace(".log", ""), number], room, 11);
        paint.text(begin + 5, this.yTab + 11, words, "ink-2", 11);
      }
      const beyond = Math.max(x1 + (view.down ? 8 : 0), this.x(view.cut_from));
      if (!isOpen) paint.anchor("closed", begin + tab + 10, this.yTab + 6);
      else if (beyond < this.layout.width) paint.anchor("open", beyond + 12, this.yBatch + this.height / 2);
    });
    if (view.down && this.side(view.log_end) === 0)
      crack(paint, this.x(view.log_end) + slot + 8, this.yBox - 8, this.yEnd + 8);
  }

  slot(view) {
    if (view.cut_from >= 0 || this.side(view.log_end)) return;
    freeSlot(this.picture, this.x(view.log_end) + 2, this.yBatch, this.layout.slot - 3, this.height);
  }

  // Where a batch is too narrow to be seen, those of one kind in one file become one box.
  batches(view) {
    const { base: bases, end: ends, size_bytes: sizes, records } = this.lane.batches;
    const stop = this.offset(this.layout.width + 20), files = view.segments;
    const areMerged = this.layout.batch_records * this.scale < MERGE_PX;
    let run = null, file = 0;
    for (const [i, kind] of view.batches) {
      const base = bases[i], end = ends[i];
      while (file + 1 < files.length && files[file + 1][0] <= base) file++;
      if (kind === "cut" || end <= this.from || base >= stop) continue;
      if (areMerged && run?.file === file && run.kind === kind) {
        run.ends.push(end);
        run.end = end;
        run.size_bytes += sizes[i];
      } else {
        this.run(view, run);
        run = { base, end, kind, file, size_bytes: sizes[i], ends: [end], records: records[i] };
      }
    }
    this.run(view, run);
    if (view.cut_from >= 0) this.cut(view.log_end, view.cut_from);
  }

  run(view, run) {
    if (!run) return;
    const { base, end, kind } = run, y = this.yBatch, h = this.height;
    const x = this.clip(this.x(base) + 1), w = this.clip(this.x(end) - 1) - x;
    batchBox(this.picture, kind, x, y, w, h);
    if (kind === "written" || kind === "landing") this.picture.anchor("written", x + w / 2, this.yEnd + 10);
    if (base < view.log_start && view.log_start < end) {
      const gone = this.clip(this.x(view.log_start)) - x - 0.4;
      this.picture.rect(x + 0.5, y + 0.5, gone, h - 1, { fill: "raised" });
      this.picture.hatch(x + 0.5, y + 0.5, gone, h - 1, "edge", 4.5);
    }
    if (run.ends.length > 1) this.many(view, run); else this.numbers(view, run);
  }

  // A box of several batches: where each ends, as far as there is room, and how many records.
  many(view, { base, end, kind, ends, size_bytes }) {
    const paint = this.picture, bottom = this.yBatch + this.height, marks = [];
    let before = -Infinity;
    for (const each of ends) {
      const x = this.x(each);
      if (each === end || x - before < MARK_GAP_PX) continue;
      marks.push("M", x, bottom - 4.5, "V", bottom - 0.5);
      before = x;
    }
    if (marks.length) paint.path(marks, { stroke: "edge", stroke_width: 0.8 });
    const x0 = this.inside(this.x(base)), x1 = this.inside(this.x(end)), middle = (x0 + x1) / 2;
    const room = x1 - x0 - 5, where = this.isWide(view, room, 2) ? span(base, end) : "";
    const count = plural(end - base, "record"), size = sizeText(size_bytes), style = this.wordStyle(kind), y = this.yBatch + this.height / 2 + 4;
    const short = `${end - base} rec.`, one = `${where} · ${count} · ${size}`;
    if (textWidth(one, 11) <= room || this.height < 32) {
      const wordings = where ? [one, `${where} · ${count}`, where] : [count, short];
      paint.text(middle, y, fitting(wordings, room, 11), ...style);
      return;
    }
    const lines = where ? [where, fitting([`${count} · ${size}`, count, short], room, 11)]
      : [fitting([count, short], room, 11), size];
    if (!lines[0]) return;
    paint.text(middle, y - 8, lines[0], ...style);
    paint.text(middle, y + 6, lines[1], ...style);
  }

  // Whether there is room for this lane's largest number, or two: a lonely small one would only puzzle.
  isWide(view, room, count = 1) {
    return room >= count * textWidth(`${whole(view.log_end)}`, 11) + (count - 1) * textWidth("..", 11);
  }

  wordStyle(kind) {
    const halo = { written: "surface", landing: "write-soft" }[kind];
    return [kind === "gone" ? "ink-3" : "ink-2", 11, { text_anchor: "middle", ...(halo ? { halo } : {}) }];
  }

  numbers(view, { base, end, kind, records }) {
    const { scale, picture: paint } = this, style = this.wordStyle(kind);
    const y = this.yBatch + this.height / 2 + 4, hasKeys = scale >= KEY_PX && this.height > 32;
    if (scale < textWidth(`${end}`, 11) + 6) {
      const x0 = this.inside(this.x(base)), x1 = this.inside(this.x(end)), room = x1 - x0 - 6;
      if (this.isWide(view, room))
        paint.text((x0 + x1) / 2, y, fitting([span(base, end), `${base}..`], room, 11), ...style);
      return;
    }
    for (let offset = base; offset < end; offset++) {
      const x = this.x(offset), top = this.yBatch + 1, bottom = top + this.height - 2;
      if (this.side(offset + 0.5)) continue;
      if (offset > base) paint.line(x, top, x, bottom, { stroke: "edge", stroke_width: 0.6 });
      const key = hasKeys && records.length ? records[offset - base][0] : null;
      paint.text(x + scale / 2, key === null ? y : y - 6, `${offset}`, ...style);
      if (key !== null)
        drawKey(paint, this.layout.keys, key, x + scale / 2, y + 6, scale - 8, kind !== "committed");
    }
  }

  // The index has an entry for some batches: a pin below each.
  pins(view) {
    const { base, end, indexed } = this.lane.batches, stop = this.offset(this.layout.width + 20);
    let before = -Infinity;
    for (const [i, kind] of view.batches) {
      if (!indexed[i] || kind === "cut" || base[i] < this.from || base[i] >= stop) continue;
      const x = this.x(base[i]) + 1 + Math.min(12, (end[i] - base[i]) * this.scale / 2 - 1);
      if (x - before < PIN_GAP_PX) continue;
      pin(this.picture, x, this.yEnd, this.yEnd + 8);
      before = x;
    }
  }

  cut(logEnd, before) {
    const x0 = this.clip(this.x(logEnd)), x1 = this.clip(this.x(before)), y = this.yBatch, h = this.height;
    this.picture.rect(x0 + 1, y, x1 - x0 - 2, h, { rx: 2, fill: "surface", stroke: "lost",
      stroke_dasharray: "3 2.5", stroke_width: 1.4 });
    cross(this.picture, (x0 + x1) / 2, y + h / 2, 6);
  }

  // -- posts --------------------------------------------------------------------------------------

  posts(view) {
    const { log_start: start, high_watermark: high, log_end: end } = view, paint = this.picture;
    const y1 = this.yBatch + this.height + 4, words = [`HW ${whole(high)}`, `LEO ${whole(end)}`];
    if (this.side(start) === 0) this.logStart(start, y1);
    const nudge = high === end ? 1.3 : 0, sides = [this.side(high), this.side(end)];
    if (sides[1] === 0) paint.anchor("end", ...flag(paint, this.x(end) + nudge, this.yFlag, y1, words[1], 1));
    if (sides[0] === 0) paint.anchor("high", ...flag(paint, this.x(high) - nudge, this.yFlag, y1, words[0], -1));
    // What is out of sight is said at the edge it lies behind.
    const far = words.filter((_, i) => sides[i] > 0).join(" · "), y = this.yFlag + 11.3;
    const bold = { bold: 1, halo: "surface" };
    if (far) paint.text(this.layout.width - 2, y, `${far} ›`, "ink", 11, { ...bold, text_anchor: "end" });
    const near = [`log start ${whole(start)}`, words[0]].filter((_, i) => this.side([start, high][i]) < 0);
    if (near.length && !this.isFolded)
      paint.text(this.layout.left, this.yStart, `‹ ${near.join(" · ")}`, "ink", 11, bold);
  }

  get yStart() { return this.yEnd + (this.layout.has_pins ? 24 : 14); }

  logStart(start, y1) {
    const x = this.x(start);
    bracket(this.picture, x, this.yBatch - 4, y1);
    if (this.isFolded) return;
    this.picture.text(x - 1, this.yStart, `log start ${whole(start)}`, "ink", 11, { bold: 1, halo: "surface" });
    this.picture.anchor("start", x - 13, this.yStart - 4);
  }

  // -- readers ------------------------------------------------------------------------------------

  readers(view) {
    const rows = {}, bottom = this.yBatch + this.height;
    Object.keys(this.lane.readers).forEach((name, row) => { rows[name] = this.yReaders + this.pitch * row; });
    for (const [name, offset, before] of view.readers) {
      this.hasRead(before, offset);
      const x = this.x(offset);
      if (this.side(offset) === 0)
        this.picture.line(x, bottom + 3, x, rows[name], { stroke: "read", stroke_dasharray: "1.5 2" });
    }
    for (const [name, offset] of view.readers) this.reader(view, name, offset, rows[name]);
  }

  hasRead(before, offset) {
    const x0 = this.clip(this.x(before)), x1 = this.clip(this.x(offset)), y = this.yBatch + this.height - 2;
    if (offset > before) this.picture.rect(x0 + 1, y, x1 - x0 - 2, 4, { rx: 2, fill: "read" });
  }

  reader(view, name, offset, y) {
    const paint = this.picture, side = this.side(offset);
    const x = this.inside(this.x(offset)), high = this.inside(this.x(view.high_watermark));
    const lag = Math.max(0, whole(view.high_watermark) - whole(offset));
    const at = ` ${whole(offset)}`, behind = `lag ${lag}`, bold = { bold: 1, halo: "surface" };
    const { width } = this.layout;
    if (side > 0) {
      const more = `${at} · ${behind} ›`, who = shortened(name, width - textWidth(more, 12, true) - 4, 12, true);
      paint.text(width - 2, y + 9, who + more, "read-text", 12,
        { ...bold, text_anchor: "end" });
      return;
    }
    const room = textWidth(behind, 12, true) + 8, hasRuler = high - x >= room + 12;
    const read = { stroke: "read", stroke_width: 1.3 };
    if (hasRuler) {
      const middle = (x + high) / 2;
      paint.line(x, y + 5, middle - room / 2, y + 5, read);
      paint.line(middle + room / 2, y + 5, high, y + 5, read);
      paint.text(middle, y + 9, behind, "read-text", 12, { bold: 1, text_anchor: "middle" });
      paint.anchor("lag", middle + room / 2 + 8, y + 5);
    } else if (high - x > 12) paint.line(x, y + 5, high, y + 5, read);
    if (high - x > 12 && this.side(view.high_watermark) === 0) paint.line(high, y + 1, high, y + 9, read);
    const before = side < 0 ? "‹ " : "", after = hasRuler ? at : `${at} · ${behind}`, right = Math.max(x, high) + 10;
    const wide = Math.max(x - 9, width - right) - textWidth(before + after, 12, true);
    const words = before + shortened(name, wide, 12, true) + after;
    if (side === 0) pointer(paint, x, y);
    if (x - 9 - textWidth(words, 12, true) >= 0)
      paint.text(x - 9, y + 9, words, "read-text", 12, { ...bold, text_anchor: "end" });
    else paint.text(right, y + 9, words, "read-text", 12, bold);
    paint.anchor("reader", x, y + 22);
  }

  // All in one row, with their names where there is room.
  foldedReaders(view) {
    const paint = this.picture, y = this.yReaders, readers = view.readers.toSorted((a, b) => a[1] - b[1]);
    let taken = 0;
    readers.forEach(([name, offset, before], i) => {
      this.hasRead(before, offset);
      if (this.side(offset)) return;
      const x = this.x(offset), lag = Math.max(0, whole(view.high_watermark) - whole(offset));
      const next = i + 1 < readers.length ? this.inside(this.x(readers[i + 1][1])) - 8 : this.layout.width;
      const wordings = [`${name} ${whole(offset)} · lag ${lag}`, `${name} ${whole(offset)}`, name];
      const left = fitting(wordings, x - 8 - taken, 11, true);
      const right = left ? "" : fitting(wordings, next - x - 8, 11, true);
      const bold = { bold: 1, halo: "surface" };
      pointer(paint, x, y);
      paint.text(x - 8, y + 9, left, "read-text", 11, { ...bold, text_anchor: "end" });
      paint.text(x + 8, y + 9, right, "read-text", 11, bold);
      taken = x + 8 + textWidth(right, 11, true);
    });
  }

  // -- what is on its way ---------------------------------------------------------------------------

  tags(view) {
    let taken = this.layout.width - 2;
    for (const flight of view.flights.toReversed()) {
      const most = this.layout.width * 0.5;
      const label = this.isFolded ? ""
        : fitting(flight.label, most, 12, true) || shortened(flight.label.at(-1), most, 12, true);
      const w = this.isFolded ? 18 : textWidth(label, 12, true) + 26 + (flight.state === "known" ? 18 : 0);
      const target = this.inside(this.landing(view, flight)), h = this.isFolded ? 11 : 18;
      const home = Math.max(0, Math.min(taken - w, target - w * 0.62)), x = home * flight.progress;
      this.tag(x, w, h, label, flight.state);
      if (flight.state === "landing") this.arrow(target, this.yTag + h + 2, this.yBatch - 1);
      if (flight.state === "lost") cross(this.picture, x + w + 4, this.yTag + h / 2, 6);
      taken = x - 8;
    }
  }

  landing(view, flight) {
    const { base, end } = this.lane.batches;
    for (const [i] of view.batches.toReversed())
      if (base[i] === flight.base) return (this.x(base[i]) + this.x(end[i])) / 2;
    return this.x(view.log_end) + this.layout.slot / 2;
  }

  tag(x, w, h, label, state) {
    const paint = this.picture, y = this.yTag;
    tag(paint, x, y, w, { h, ground: state === "landing" ? "write-soft" : "surface" });
    const middle = x + (w - 4 - (state === "known" ? 18 : 0)) / 2;
    paint.text(middle, y + 13.2, label, "write-text", 12, { bold: 1, text_anchor: "middle" });
    if (state === "known") tick(paint, this.isFolded ? x + w + 9 : x + w - 20, y + h / 2);
  }

  arrow(x, y0, y1) {
    this.picture.line(x, y0, x, y1 - 7, { stroke: "write", stroke_width: 3 });
    this.picture.path(["M", x, y1, "L", x - 4.2, y1 - 9, "H", x + 4.2, "Z"], { fill: "write" });
  }
}
