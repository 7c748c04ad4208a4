// The log strip, live: plays the story of some logs, moment by moment.
//
//     story (columns from viz/story.py) ─► look(moment) ─► glide ─► Strip.draw ─► patch the SVG
//                 ▲                                                                │
//     play · step · scrub · keys ──────────── the playhead ◄───────────────────────┘
//
// The first half lays a moment out as shapes; without a browser viz/engine.py runs it, and
// viz/static.py writes them down. The second half is what paper cannot do: a playhead, flags that
// glide, a lens that follows the pointer. drawing.js stands in front of this file.
//
//     ┌ tag: records on their way ┐                      a row per thing, from top to bottom,
//                         HW 6 ◄▌▐► LEO 8                so nothing can collide:
//     orders-0  …0000.log  …0004.log                       tag, flags, file tabs, batches,
//               [▭▭▭▭    ][▭▭▨▨ ┊                           log start, one row per reader,
//               log start 0    ╲   ╲                        and the lens: the last records
//               billing 2 ▲──lag 4──┤ ╲                     large, with key and value
//               ╔0╗╔1╗ … ╔6╗╔7╗┊8 next
//
// Each partition has its own axis: offsets of two partitions have nothing to do with each other.
//
// Not done: index entries, leader and epoch are not drawn: no trace event names them yet.
// Not done: with more than three lanes there is no lens, and the strip itself does not zoom.

const GLIDE_MS = 180;
const NEVER_ENDED = -1, KEY_SHAPES = 4, LENSES = 3;
const IDEA = {
  produce: "write", append: "write", high_watermark: "commit", batch_acknowledged: "commit",
  position: "read", crashed: "lost", truncate: "lost", dropped: "lost", recovered: "lost",
};

// ---- what stands where at a moment -----------------------------------------------------------

function at(steps, moment) {
  let low = 0, high = steps.moment.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps.moment[middle] <= moment) low = middle + 1; else high = middle;
  }
  return low ? steps.value[low - 1] : null;
}

export function look(story, index, moment, time = story.moments.time_us[moment]) {
  const lane = story.lanes[index], end = at(lane.log_end, moment);
  if (end === null) return null;
  const isThere = (columns, i) => columns.born[i] <= moment
    && (columns.gone[i] === NEVER_ENDED || columns.gone[i] >= moment);
  const view = {
    log_start: at(lane.log_start, moment), high_watermark: at(lane.high_watermark, moment),
    log_end: end, segments: [], batches: [], readers: [],
    cut_from: lane.cut[moment] ?? -1, flights: flightsAt(story, index, moment, time),
    down: at(lane.down, moment) === 1,
  };
  lane.segments.base.forEach((base, i) => {
    if (isThere(lane.segments, i)) view.segments.push([base, lane.segments.gone[i] === moment]);
  });
  view.segments.sort((a, b) => a[0] - b[0]);
  for (let i = 0; i < lane.batches.base.length; i++)
    if (isThere(lane.batches, i)) view.batches.push([i, kindOf(lane, i, moment, view)]);
  for (const name in lane.readers) {
    const now = at(lane.readers[name], moment);
    if (now !== null) view.readers.push([name, now, at(lane.readers[name], moment - 1) ?? now]);
  }
  return view;
}

function kindOf(lane, i, moment, view) {
  const { base, end, born, gone } = lane.batches;
  if (base[i] >= view.log_end) return "cut";
  if (gone[i] === moment || end[i] <= view.log_start) return "gone";
  if (end[i] <= view.high_watermark) return "committed";
  return born[i] === moment ? "landing" : "written";
}

function flightsAt(story, index, moment, time) {
  const flights = story.flights, times = story.moments.time_us, last = times.length - 1, found = [];
  for (let i = 0; i < flights.lane.length; i++) {
    const sent = flights.sent[i], end = flights.end[i], known = flights.acknowledged[i];
    const until = known !== NEVER_ENDED ? known : end !== NEVER_ENDED ? end : last;
    if (flights.lane[i] !== index || moment < sent || moment > until) continue;
    if (end === NEVER_ENDED || moment < end) {
      const start = times[sent], stop = times[end !== NEVER_ENDED ? end : last];
      const progress = (time - start) / Math.max(1, stop - start);
      found.push({ label: flights.label[i], progress, state: "flying", base: -1 });
    } else {
      const state = moment === known ? "known" : flights.lost[i] ? "lost"
        : moment === end ? "landing" : "landed";
      found.push({ label: flights.label[i], progress: 1, state, base: flights.base[i] });
    }
  }
  return found;
}

export function describe(story, moment) {
  const sentences = [];
  story.lanes.forEach((lane, index) => {
    const view = look(story, index, moment);
    if (!view) return;
    const words = [
      `${lane.name}: log start ${view.log_start}`, `high watermark ${view.high_watermark}`,
      `log end ${view.log_end}`, plural(view.segments.length, "segment"),
      ...view.readers.map(([name, offset]) => `${name} at ${offset}`),
    ];
    sentences.push(words.join(", ") + (view.down ? "; broker down" : "") + ".");
  });
  return sentences.join(" ") || "No partition yet.";
}

// ---- the picture -------------------------------------------------------------------------------

export function layout(story, width) {
  const lanes = story.lanes, ends = lanes.map(lane => lane.log_end.value.reduce((a, b) => Math.max(a, b), 0));
  const names = lanes.map(lane => textWidth(lane.name, 14, true));
  const brokers = lanes.map(lane => textWidth(lane.broker, 11));
  const left = Math.min(170, Math.max(76, ...names, ...brokers) + 14);
  const right = textWidth(`LEO ${Math.max(0, ...ends)}`, 11, true) + 44;
  const scale = Math.min(44, (width - left - right)
    / Math.max(1, ...lanes.map((lane, i) => ends[i] - lane.first)));
  const capacity = Math.max(3, Math.floor((width - left - 6) / (width >= 800 ? 70 : 62)) - 1);
  const pairs = lanes.flatMap(lane => lane.batches.records.flat());
  const keys = [...new Set(pairs.map(([key]) => key).filter(key => key !== null))];
  return {
    width, left, scale, capacity, slot: Math.max(10, Math.min(scale, 40)),
    batch: width >= 800 ? 42 : 36, cell: Math.min(84, (width - left - 6) / (capacity + 1)),
    lens: pairs.some(([, value]) => value !== null) ? 84 : 66,
    has_lens: lanes.length <= LENSES, has_flights: story.flights.lane.length > 0,
    keys: keys.length <= KEY_SHAPES ? keys : [],
  };
}

export function lensStart(view, capacity, focus = null) {
  const first = view.segments.length ? view.segments[0][0] : view.log_end;
  const latest = Math.max(first, view.log_end - capacity);
  return focus === null ? latest
    : Math.max(first, Math.min(latest, focus - Math.floor(capacity / 2)));
}

// `views[i]` and `starts[i]` are what lane i shows: as looked up, or gliding.
export function draw(story, common, views, starts) {
  const picture = new Picture(common.width), strips = [];
  let y = 2;
  story.lanes.forEach((lane, index) => {
    if (index) { picture.line(0, y + 4, common.width, y + 4, { stroke: "line" }); y += 16; }
    const strip = new Strip(picture, common, lane, y);
    strip.draw(views[index], starts[index]);
    strips.push(strip);
    y = strip.bottom;
  });
  picture.height = y + 2;
  picture.strips = strips;
  return picture;
}

// A moment as it is drawn without a browser; `focus` maps lanes to what their lens shows.
// `numbered` names the anchors that carry the numbers of a look-for list, in its order.
export function still({ story, moment, width, focus = {}, numbered = [] }) {
  const common = layout(story, width);
  const views = story.lanes.map((_, lane) => look(story, lane, moment));
  const starts = views.map((view, lane) =>
    view && lensStart(view, common.capacity, focus[lane] ?? null));
  const picture = draw(story, common, views, starts), { height, shapes, anchors } = picture;
  callOuts(picture, numbered);
  return { width, height, shapes, anchors, label: describe(story, moment) };
}

class Strip {
  constructor(picture, common, lane, y) {
    this.picture = picture; this.layout = common; this.lane = lane;
    const readers = Object.keys(lane.readers).length;
    this.yTag = y;
    this.yFlag = y + (common.has_flights ? 28 : 4);
    this.yTab = this.yFlag + 21;
    this.yBox = this.yTab + 15;
    this.yBatch = this.yBox + 5;
    this.yEnd = this.yBox + common.batch + 10;
    this.yReaders = this.yEnd + 22;
    this.yLens = this.yReaders + 24 * readers + 26;
    this.bottom = this.yLens + common.lens + (readers ? 27 : 8);
    if (!common.has_lens) this.bottom = this.yLens - 20;
  }
  x(offset) { return this.layout.left + (offset - this.lane.first) * this.layout.scale; }

  draw(view, start) {
    this.name(view);
    if (!view) return;
    if (this.layout.has_lens) this.beam(view, start);
    this.deleted(view);
    this.segments(view);
    this.slot(view);
    this.batches(view);
    this.pointers(view);
    this.readers(view);
    this.tags(view);
    if (this.layout.has_lens) this.lens(view, start);
  }

  name(view) {
    const paint = this.picture, y = this.yTab + 12;
    paint.text(0, y, this.lane.name, "ink", 14, { bold: 1 });
    if (!view) return void paint.text(0, y + 17, "not there yet", "ink-3", 11);
    paint.text(0, y + 17, this.lane.broker, "ink-2", 11);
    if (view.down) paint.text(0, y + 32, "down", "lost-text", 11, { bold: 1 });
  }

  beam(view, start) {
    const end = Math.min(view.log_end, start + this.layout.capacity);
    if (end > start)
      this.picture.path(["M", this.x(start), this.yEnd, "H", this.x(end), "L",
        this.lensX(end, start), this.yLens, "H", this.layout.left, "Z"], { fill: "raised" });
  }

  deleted(view) {
    const first = view.segments.length ? view.segments[0][0] : this.lane.first;
    const x0 = this.x(this.lane.first), x1 = this.x(first);
    if (x1 <= x0) return;
    const y = this.yBatch + this.layout.batch / 2;
    this.picture.line(x0, y, x1 - 4, y, { stroke: "edge", stroke_dasharray: "2 3" });
    const words = fitting([`${span(this.lane.first, first)} deleted`, "deleted"], x1 - x0 - 8, 11);
    this.picture.text((x0 + x1) / 2, y - 6, words, "ink-3", 11, { text_anchor: "middle" });
  }

  segments(view) {
    const paint = this.picture, bases = view.segments.map(([base]) => base);
    view.segments.forEach(([base, goes], i) => {
      const isOpen = i === bases.length - 1, end = isOpen ? view.log_end : bases[i + 1];
      const x0 = this.x(base) + 1, x1 = this.x(end) + (isOpen ? this.layout.slot + 8 : -1.5);
      const name = fileName(base), tab = Math.min((x1 - x0) * 0.92, textWidth(name, 11) + 14);
      folder(paint, { x0, x1, top: this.yTab, y0: this.yBox, y1: this.yEnd, tab, isOpen,
        stroke: view.down ? "lost" : "edge", dashed: goes || view.down });
      if (tab >= 10) {
        const filled = this.x(end) - x0, room = filled > 12 ? Math.min(tab - 8, filled - 6) : tab - 8;
        const words = fitting([name, name.replace(".log", ""), `${base}`], room, 11);
        paint.text(x0 + 5, this.yTab + 11, words, "ink-2", 11);
      }
      const beyond = Math.max(x1 + (view.down ? 8 : 0), this.x(view.cut_from));
      if (isOpen) paint.anchor("open", beyond + 12, this.yBatch + this.layout.batch / 2);
      else paint.anchor("closed", x0 + tab + 10, this.yTab + 6);
    });
    if (view.down)
      crack(this.picture, this.x(view.log_end) + this.layout.slot + 8, this.yBox - 8, this.yEnd + 8);
  }

  slot(view) {
    if (view.cut_from >= 0) return;
    freeSlot(this.picture, this.x(view.log_end) + 2, this.yBatch, this.layout.slot - 3, this.layout.batch);
  }

  batches(view) {
    const columns = this.lane.batches, scale = this.layout.scale;
    let run = null;
    for (const [i, kind] of view.batches) {
      const base = columns.base[i], end = columns.end[i];
      if (run && run[2] === kind && (end - run[0]) * scale < 4) { run = [run[0], end, kind]; continue; }
      this.batch(view, run);
      run = [base, end, kind];
    }
    this.batch(view, run);
    if (view.cut_from >= 0) this.cut(view.log_end, view.cut_from);
  }

  batch(view, run) {
    if (!run || run[2] === "cut") return;
    const [base, end, kind] = run, y = this.yBatch, h = this.layout.batch;
    const x = this.x(base) + 1, w = (end - base) * this.layout.scale - 2;
    batchBox(this.picture, kind, x, y, w, h);
    if (kind === "written" || kind === "landing") this.picture.anchor("written", x + w / 2, this.yEnd + 10);
    if (base < view.log_start && view.log_start < end) {
      const gone = (view.log_start - base) * this.layout.scale - 1.4;
      this.picture.rect(x + 0.5, y + 0.5, gone, h - 1, { fill: "raised" });
      this.picture.hatch(x + 0.5, y + 0.5, gone, h - 1, "edge", 4.5);
    }
    this.numbers(base, end, kind);
  }

  numbers(base, end, kind) {
    const scale = this.layout.scale, y = this.yBatch + this.layout.batch / 2 + 4;
    const halo = { written: "surface", landing: "write-soft" }[kind];
    const more = { text_anchor: "middle", ...(halo ? { halo } : {}) };
    const colour = kind === "gone" ? "ink-3" : "ink-2";
    if (scale >= textWidth(`${end}`, 11) + 6) {
      for (let offset = base; offset < end; offset++) {
        const x = this.x(offset), top = this.yBatch + 1, bottom = top + this.layout.batch - 2;
        if (offset > base) this.picture.line(x, top, x, bottom, { stroke: "edge", stroke_width: 0.6 });
        this.picture.text(x + scale / 2, y, `${offset}`, colour, 11, more);
      }
    } else {
      const words = fitting([span(base, end), `${base}`], (end - base) * scale - 6, 11);
      this.picture.text((this.x(base) + this.x(end)) / 2, y, words, colour, 11, more);
    }
  }

  cut(logEnd, before) {
    const x0 = this.x(logEnd), x1 = this.x(before), y = this.yBatch, h = this.layout.batch;
    this.picture.rect(x0 + 1, y, x1 - x0 - 2, h, { rx: 2, fill: "surface", stroke: "lost",
      stroke_dasharray: "3 2.5", stroke_width: 1.4 });
    cross(this.picture, (x0 + x1) / 2, y + h / 2, 6);
  }

  pointers(view) {
    const paint = this.picture, y1 = this.yBatch + this.layout.batch + 4, x = this.x(view.log_start);
    bracket(paint, x, this.yBatch - 4, y1);
    paint.text(x - 1, this.yEnd + 14, `log start ${whole(view.log_start)}`, "ink", 11,
      { bold: 1, halo: "surface" });
    paint.anchor("start", x - 13, this.yEnd + 10);
    const nudge = view.high_watermark === view.log_end ? 1.3 : 0;
    paint.anchor("end", ...flag(paint, this.x(view.log_end) + nudge, this.yFlag, y1,
      `LEO ${whole(view.log_end)}`, 1));
    paint.anchor("high", ...flag(paint, this.x(view.high_watermark) - nudge, this.yFlag, y1,
      `HW ${whole(view.high_watermark)}`, -1));
  }

  readers(view) {
    const rows = {}, bottom = this.yBatch + this.layout.batch;
    Object.keys(this.lane.readers).forEach((name, row) => { rows[name] = this.yReaders + 24 * row; });
    for (const [name, offset, before] of view.readers) {
      const x = this.x(offset), x0 = this.x(before);
      if (offset > before)
        this.picture.rect(x0 + 1, bottom - 2, x - x0 - 2, 4, { rx: 2, fill: "read" });
      this.picture.line(x, bottom + 3, x, rows[name], { stroke: "read", stroke_dasharray: "1.5 2" });
    }
    for (const [name, offset] of view.readers) this.reader(view, name, offset, rows[name]);
  }

  reader(view, name, offset, y) {
    const paint = this.picture, x = this.x(offset), high = this.x(view.high_watermark);
    const lag = Math.max(0, whole(view.high_watermark) - whole(offset));
    const where = `${name} ${whole(offset)}`, behind = `lag ${lag}`;
    const room = textWidth(behind, 12, true) + 8, hasRuler = high - x >= room + 12;
    const read = { stroke: "read", stroke_width: 1.3 };
    if (hasRuler) {
      const middle = (x + high) / 2;
      paint.line(x, y + 5, middle - room / 2, y + 5, read);
      paint.line(middle + room / 2, y + 5, high, y + 5, read);
      paint.text(middle, y + 9, behind, "read-text", 12, { bold: 1, text_anchor: "middle" });
      paint.anchor("lag", middle + room / 2 + 8, y + 5);
    } else if (high - x > 12) paint.line(x, y + 5, high, y + 5, read);
    if (high - x > 12) paint.line(high, y + 1, high, y + 9, read);
    const bold = { bold: 1, halo: "surface" };
    pointer(this.picture, x, y);
    const words = hasRuler ? where : `${where} · ${behind}`;
    if (x - 9 - textWidth(words, 12, true) >= 0)
      paint.text(x - 9, y + 9, words, "read-text", 12, { ...bold, text_anchor: "end" });
    else paint.text(Math.max(x, high) + 10, y + 9, words, "read-text", 12, bold);
    paint.anchor("reader", x, y + 22);
  }

  tags(view) {
    let taken = this.layout.width - 2;
    for (const flight of view.flights.toReversed()) {
      const label = fitting(flight.label, this.layout.width * 0.5, 12, true);
      const w = textWidth(label, 12, true) + 26 + (flight.state === "known" ? 18 : 0);
      const target = this.landing(view, flight);
      const home = Math.max(0, Math.min(taken - w, target - w * 0.62)), x = home * flight.progress;
      this.tag(x, w, label, flight.state);
      if (flight.state === "landing") this.arrow(target, this.yTag + 20, this.yBatch - 1);
      if (flight.state === "lost") cross(this.picture, x + w + 4, this.yTag + 9, 6);
      taken = x - 8;
    }
  }

  landing(view, flight) {
    const { base, end } = this.lane.batches;
    for (const [i] of view.batches.toReversed())
      if (base[i] === flight.base) return (this.x(base[i]) + this.x(end[i])) / 2;
    return this.x(view.log_end) + this.layout.slot / 2;
  }

  tag(x, w, label, state) {
    const paint = this.picture, y = this.yTag;
    tag(paint, x, y, w, { ground: state === "landing" ? "write-soft" : "surface" });
    const middle = x + (w - 4 - (state === "known" ? 18 : 0)) / 2;
    paint.text(middle, y + 13.2, label, "write-text", 12, { bold: 1, text_anchor: "middle" });
    if (state === "known") tick(paint, x + w - 20, y + 9);
  }

  arrow(x, y0, y1) {
    this.picture.line(x, y0, x, y1 - 7, { stroke: "write", stroke_width: 3 });
    this.picture.path(["M", x, y1, "L", x - 4.2, y1 - 9, "H", x + 4.2, "Z"], { fill: "write" });
  }

  lens(view, start) {
    const { base, end } = this.lane.batches, stop = start + this.layout.capacity;
    if (view.log_end <= stop) this.freeSlot(view, start);
    for (const [i, kind] of view.batches)
      if (end[i] > start && base[i] < stop && kind !== "cut") this.lensBatch(i, kind, start);
    if (start <= view.high_watermark && view.high_watermark <= stop) this.lensHigh(view, start);
    this.lensReaders(view, start);
  }

  lensX(offset, start) { return this.layout.left + (offset - start) * this.layout.cell; }

  lensBatch(i, kind, start) {
    const paint = this.picture, y = this.yLens, h = this.layout.lens, columns = this.lane.batches;
    const base = columns.base[i], end = columns.end[i], stop = start + this.layout.capacity;
    const x0 = this.lensX(Math.max(base, start), start) + 2;
    const x1 = this.lensX(Math.min(end, stop), start) - 2;
    const isLanding = kind === "landing";
    const colour = { fill: isLanding ? "write-soft" : "surface", stroke: isLanding ? "write" : "edge",
      stroke_width: isLanding ? 2 : 1.3, ...(kind === "gone" ? { stroke_dasharray: "2 2.5" } : {}) };
    if (base >= start && end <= stop) paint.rect(x0, y, x1 - x0, h, { rx: 4, ...colour });
    else if (base >= start) paint.path(["M", x1, y, "H", x0, "V", y + h, "H", x1], colour);
    else paint.path(["M", x0, y, "H", x1, "V", y + h, "H", x0], colour);
    const size = sizeText(columns.size_bytes[i]), where = span(base, end);
    const words = [`batch ${where} · ${plural(end - base, "record")} · ${size}`,
      `${where} · ${size}`, where];
    paint.text(x0 + 6, y + 14, fitting(words, x1 - x0 - 9, 11, true),
      isLanding ? "write-text" : "ink-2", 11, { bold: 1 });
    const pairs = columns.records[i], to = Math.min(end, Math.floor(stop));
    for (let offset = Math.max(base, Math.ceil(start)); offset < to; offset++)
      this.record(offset, pairs.length ? pairs[offset - base] : [null, null], kind, start);
  }

  record(offset, [key, value], kind, start) {
    const paint = this.picture, cell = this.layout.cell, left = this.lensX(offset, start);
    const x = left + 5, y = this.yLens + 20, w = cell - 10, h = this.layout.lens - 24;
    const middle = left + cell / 2, isHatched = kind === "landing" || kind === "written";
    const stroke = { landing: "write", written: "edge", gone: "edge" }[kind] ?? "none";
    const fill = { committed: "cell", gone: "none" }[kind] ?? "surface";
    paint.rect(x, y, w, h, { rx: 2.5, fill, stroke,
      ...(kind === "gone" ? { stroke_dasharray: "2 2.5" } : {}) });
    if (isHatched) paint.hatch(x, y, w, h, "edge", 7);
    const centre = { text_anchor: "middle", ...(isHatched ? { halo: "surface" } : {}) };
    paint.text(middle, y + 18, `${offset}`, kind === "gone" ? "ink-3" : "ink", 14,
      { bold: 1, ...centre });
    if (key !== null) this.key(key, middle, y + 34, w, isHatched);
    if (value !== null) {
      const letters = [...value];
      const cuts = letters.map((_, n) => letters.slice(0, letters.length - n).join("") + (n ? "…" : ""));
      paint.text(middle, y + 52, fitting(cuts, w + 4, 11), "ink-2", 11, centre);
    }
  }

  key(key, x, y, room, isHatched) {
    const paint = this.picture, shape = this.layout.keys.indexOf(key), letters = [...key];
    const wordings = [key, letters.slice(0, 5).join("") + "…", letters.slice(0, 3).join("") + "…", ""];
    const words = fitting(wordings, room - (shape >= 0 ? 15 : 2), 11);
    if (shape < 0) {
      paint.text(x, y + 4, words, "ink-2", 11,
        { text_anchor: "middle", ...(isHatched ? { halo: "surface" } : {}) });
      return;
    }
    const start = x - (textWidth(words, 11) + 13) / 2;
    if (isHatched)
      paint.rect(start - 2, y - 7, textWidth(words, 11) + 17, 14, { rx: 3, fill: "surface" });
    keyShape(paint, shape, start + 5, y);
    paint.text(start + 13, y + 4, words, "ink-2", 11);
  }

  freeSlot(view, start) {
    const x = this.lensX(view.log_end, start), cell = this.layout.cell, y = this.yLens + 20;
    this.picture.rect(x + 5, y, cell - 10, this.layout.lens - 24,
      { rx: 3, fill: "none", stroke: "edge", stroke_dasharray: "3 3", stroke_width: 1.2 });
    const middle = { text_anchor: "middle" };
    this.picture.text(x + cell / 2, y + 18, `${whole(view.log_end)}`, "ink-3", 14, middle);
    this.picture.text(x + cell / 2, y + 36, "next", "ink-3", 11, middle);
  }

  lensHigh(view, start) {
    const paint = this.picture, x = this.lensX(view.high_watermark, start), y = this.yLens;
    paint.line(x, y - 12, x, y + this.layout.lens + 4, { stroke: "commit", stroke_width: 3 });
    if (view.high_watermark >= view.log_end) return;
    const bold = { bold: 1, halo: "surface" };
    if (view.high_watermark > start)
      paint.text(x - 6, y - 6, "committed", "commit-text", 11, { ...bold, text_anchor: "end" });
    paint.text(x + 7, y - 6, "not yet", "ink-2", 11, bold);
  }

  lensReaders(view, start) {
    const y = this.yLens + this.layout.lens + 6, cell = this.layout.cell;
    const stop = start + this.layout.capacity, end = Math.min(stop, view.log_end);
    const inside = [...new Set(view.readers.map(r => r[1]).filter(o => start <= o && o <= end))]
      .sort((a, b) => a - b);
    let taken = this.layout.left;
    inside.forEach((offset, i) => {
      const names = view.readers.filter(r => r[1] === offset).map(r => r[0]);
      const x = this.lensX(offset, start) + cell / 2, who = names.join(", ");
      const verb = names.length > 1 ? "read" : "reads";
      const wordings = [`${who} ${verb} ${whole(offset)} next`, who];
      const after = i + 1 < inside.length ? this.lensX(inside[i + 1], start) + cell / 2 - 8
        : this.layout.width;
      pointer(this.picture, x, y);
      const right = fitting(wordings, after - x - 9, 11, true);
      const left = right === wordings[0] ? "" : fitting(wordings, x - 9 - taken, 11, true);
      if (left.length > right.length) {
        this.picture.text(x - 9, y + 9, left, "read-text", 11, { bold: 1, text_anchor: "end" });
        taken = x + 8;
      } else {
        this.picture.text(x + 9, y + 9, right, "read-text", 11, { bold: 1 });
        taken = x + 9 + textWidth(right, 11, true) + 8;
      }
    });
  }
}

// ---- the playhead ------------------------------------------------------------------------------

const ease = p => 1 - (1 - p) ** 3;

// Numbers that glide to where they belong: flags, posts, pointers, the lens.
class Glide {
  constructor() { this.values = new Map(); }
  // The value of `name` now, on its way to `target`; `jump` goes there at once.
  to(name, target, now, jump) {
    let it = this.values.get(name);
    if (!it || jump) {
      it = { from: target, target, since: -Infinity };
      this.values.set(name, it);
    } else if (it.target !== target) {
      it = { from: this.at(it, now), target, since: now };
      this.values.set(name, it);
    }
    return this.at(it, now);
  }
  at(it, now) {
    const p = (now - it.since) / GLIDE_MS;
    return p >= 1 ? it.target : it.from + (it.target - it.from) * ease(p);
  }
  isMoving(now) { return [...this.values.values()].some(it => now - it.since < GLIDE_MS); }
}

// ---- the widget ---------------------------------------------------------------------------------

class LogStrip extends Player {
  constructor(model, root) {
    super(model, model.get("story").moments.time_us);
    this.story = model.get("story");
    this.glide = new Glide();
    this.focus = {}; // lane -> offset in the middle of its lens
    this.held = false;
    this.build(root);
    this.begin();
  }

  // -- building ---------------------------------------------------------------------------------

  build(root) {
    this.buildPicture();
    this.root = chrome(this.model, "mk-strip", this.buildKeys(),
      element("div", { class: "mk-body" }, this.figure, this.buildSide()), this.buildNow(), this.buildBar());
    this.root.addEventListener("keydown", event => this.onKey(event));
    this.svg.addEventListener("pointermove", event => this.onPoint(event));
    this.svg.addEventListener("pointerleave", () => { if (!this.held) this.setFocus({}); });
    this.svg.addEventListener("click", event => this.onHold(event));
    root.append(this.root);
  }

  buildSide() {
    const side = element("aside", { class: "mk-side" });
    const looks = this.model.get("look_for").map(([, first, rest]) => [first, rest]);
    if (looks.length) side.append(lookList(looks, false));
    this.looks = [...side.querySelectorAll("li")];
    this.numbers = element("div", { class: "mk-numbers" });
    side.append(element("div", {}, element("h3", {}, "Legend"), this.buildLegend(), this.numbers));
    return side;
  }

  buildLegend() {
    const list = element("div", { class: "mk-legend" });
    const add = (words, paintIt) => list.append(glyph(30, 18, paintIt), element("span", {}, words));
    const lanes = this.story.lanes;
    add("batch, committed", p => batchBox(p, "committed", 1, 2, 28, 14));
    add("batch landing, not committed", p => batchBox(p, "landing", 1, 2, 28, 14));
    add("file; the open one has no right edge", p =>
      p.path(["M", 28, 7, "H", 2, "V", 17, "H", 28, "M", 2, 7, "V", 2, "H", 12, "L", 15, 7],
        { stroke: "edge", stroke_width: 1.2 }));
    add("high watermark (HW): committed up to here", p => {
      p.path(["M", 26, 2, "H", 8, "L", 4, 6.5, "L", 8, 11, "H", 26, "Z"], { fill: "commit" });
      p.line(26, 2, 26, 18, { stroke: "commit", stroke_width: 2.6 });
    });
    add("log end (LEO): the next free slot", p => p.path(
      ["M", 4, 18, "V", 2, "H", 22, "L", 26, 6.5, "L", 22, 11, "H", 4],
      { stroke: "ink", stroke_width: 1.4 }));
    if (lanes.some(lane => Object.keys(lane.readers).length))
      add("a consumer’s next offset", p => pointer(p, 15, 5));
    return list;
  }

  buildNow() {
    this.nowMark = element("i");
    this.nowText = element("span");
    this.nowCount = element("small");
    // Announced when stepping; while playing it would never stop talking.
    this.now = element("p", { class: "mk-now", "aria-live": "polite" },
      this.nowMark, this.nowText, this.nowCount);
    return this.now;
  }

  buildKeys() {
    return [kbd("space"), " plays, ", kbd("← →"), " step, ", kbd("Home End"),
      " · point at a strip to move its lens, click to hold it"];
  }

  // -- drawing ----------------------------------------------------------------------------------

  layOut(width) { return layout(this.story, width); }

  isMoving(now) { return this.glide.isMoving(now); }

  keys() { return { Escape: () => { this.held = false; this.setFocus({}); } }; }

  paint(now, jump) {
    const moment = this.moment, starts = [];
    const views = this.story.lanes.map((_, index) => {
      const view = look(this.story, index, moment, this.time);
      starts.push(view && this.glideView(view, index, now, jump));
      return view;
    });
    const picture = draw(this.story, this.layout, views, starts);
    this.strips = picture.strips;
    this.lookFor(picture);
    this.show(picture);
    this.showMoment(moment, views);
  }

  // Let the offsets of a lane glide; returns where its lens starts.
  glideView(view, index, now, jump) {
    const to = (name, target) => this.glide.to(`${index} ${name}`, target, now, jump);
    const start = to("lens", lensStart(view, this.layout.capacity, this.focus[index] ?? null));
    for (const name of ["log_start", "high_watermark", "log_end"]) view[name] = to(name, view[name]);
    view.readers = view.readers.map(([name, offset, before]) => [name, to(name, offset), before]);
    return start;
  }

  lookFor(picture) {
    const names = this.model.get("look_for").map(([anchor]) => anchor);
    callOuts(picture, names);
    names.forEach((name, i) => this.looks[i].classList.toggle("mk-here", name in picture.anchors));
  }

  events() { return this.places.map((place, i) => [place, IDEA[this.story.moments.kind[i]]]); }

  // -- words ------------------------------------------------------------------------------------

  showMoment(moment, views) {
    const { text, kind } = this.story.moments;
    const clock = clockText(this.time);
    this.clock.textContent = clock;
    if (this.shown === moment) return;
    this.shown = moment;
    this.root.dataset.moment = moment;
    this.range.setAttribute("aria-valuetext", `${clock}, ${text[moment] ?? "nothing happened"}`);
    this.svg.setAttribute("aria-label", describe(this.story, moment));
    this.nowText.textContent = text[moment] ?? "Nothing happened in this run.";
    this.nowCount.textContent = `${moment + 1} / ${this.last + 1}`;
    this.nowMark.style.background = `var(--mk-${IDEA[kind[moment]] ?? "ink-3"})`;
    this.showNumbers(moment);
  }

  showNumbers(moment) {
    let records = 0, bytes = 0, files = 0;
    this.story.lanes.forEach((lane, index) => {
      const view = look(this.story, index, moment);
      if (!view) return;
      records += view.log_end - view.log_start;
      files += view.segments.length;
      for (const [i] of view.batches) bytes += lane.batches.size_bytes[i];
    });
    const [size, unit] = sizeText(bytes).split(" ");
    this.numbers.replaceChildren(numeral(`${records}`, "", "records to read"),
      numeral(size, unit, `in ${plural(files, "file")}`));
  }

  // -- keys and pointer -----------------------------------------------------------------------------

  // The lane under the pointer and the offset there; null outside of the strips.
  pointed(event) {
    const box = this.svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / this.size, y = (event.clientY - box.top) / this.size;
    const index = (this.strips ?? []).findIndex(s => y >= s.yTab && y <= s.yEnd);
    if (index < 0 || x < this.layout.left) return null;
    const strip = this.strips[index];
    return { index, offset: Math.floor(strip.lane.first + (x - this.layout.left) / this.layout.scale) };
  }

  onPoint(event) {
    const point = this.pointed(event);
    this.svg.style.cursor = point ? "zoom-in" : "";
    if (point && !this.held) this.setFocus({ [point.index]: point.offset });
  }

  onHold(event) {
    const point = this.pointed(event);
    this.held = Boolean(point) && !this.held;
    this.setFocus(point ? { [point.index]: point.offset } : {});
  }

  setFocus(focus) {
    this.focus = focus;
    this.redraw();
  }
}

function render({ model, el }) {
  const strip = new LogStrip(model, el);
  return () => strip.remove();
}

export default { render };
