// The log strip, live: plays the story of some logs, moment by moment.
//
//     story (columns from viz/story.py) ─► look(moment) ─► glide ─► Strip.draw ─► patch the SVG
//                 ▲                                                                │
//     play · step · scrub · zoom · keys ── the playhead ◄───────────────────────────┘
//
// Its parts stand in front of this file: log_strip.moment.js says what stands where at a moment,
// log_strip.lane.js and log_strip.lens.js draw it. Without a browser viz/engine.py runs these and
// `still`, and viz/static.py writes the shapes down. What follows `still` is what paper cannot do: a
// playhead, flags that glide, windows that zoom, a lens that follows the pointer.
//
// Each partition has its own axis: offsets of two partitions have nothing to do with each other. But
// a record is as wide in one lane as in the other, so that their lengths can be compared.
//
// Not done: offsets beyond 2**53, which a browser's numbers cannot tell apart.
// Not done: two fingers on a touch screen do not zoom; the buttons do.

const GLIDE_MS = 180, ZOOM_MS = 240;
const KEY_SHAPES = 4, LENSES = 3; // with more lanes than this only one is unfolded
const IDEA = {
  produce: "write", append: "write", high_watermark: "commit", batch_acknowledged: "commit",
  position: "read", crashed: "lost", truncate: "lost", dropped: "lost", recovered: "lost",
};

// ---- the picture -------------------------------------------------------------------------------

function layout(story, width) {
  const lanes = story.lanes, ends = lanes.map(lane => lane.log_end.value.reduce((a, b) => Math.max(a, b), 0));
  const names = lanes.map(lane => textWidth(lane.name, 14, true));
  const brokers = lanes.map(lane => textWidth(lane.broker, 11) + (lane.epoch.value.length ? 19 : 0));
  const left = Math.min(170, Math.max(76, ...names, ...brokers) + 14);
  const right = textWidth(`LEO ${Math.max(0, ...ends)}`, 11, true) + 44, room = width - left - right;
  const cell = Math.max(width >= 800 ? 70 : 62, textWidth(`${Math.max(0, ...ends)}`, 14, true) + 14);
  const capacity = Math.max(1, Math.floor((width - left - 6) / cell) - 1);
  const pairs = lanes.flatMap(lane => lane.batches.records.flat());
  const sizes = lanes.flatMap(({ batches }) => batches.base.map((base, i) => batches.end[i] - base));
  return {
    width, left, room, capacity, spans: spans(story, room),
    batch: width >= 800 ? 42 : 36, cell: Math.min(Math.max(84, cell), (width - left - 6) / (capacity + 1)),
    lens: pairs.some(([, value]) => value !== null) ? 84 : 66,
    // Of all batches of the story, so that nothing changes its look while it plays.
    batch_records: sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.length),
    folds: lanes.length > LENSES, has_flights: story.flights.lane.length > 0,
    has_pins: lanes.some(lane => lane.batches.indexed.includes(true)),
    keys: keysOf(story),
  };
}

// The keys, by the shapes they are drawn as; none where they are more than the shapes.
function keysOf(story) {
  const keys = new Set();
  for (const lane of story.lanes)
    for (const records of lane.batches.records)
      for (const [key] of records) if (key !== null && keys.size <= KEY_SHAPES) keys.add(key);
  return keys.size <= KEY_SHAPES ? [...keys] : [];
}

// `shown[i]` is what lane i shows, as looked up or gliding: a view, the start of its window and of its
// lens, how far it is unfolded, and whether the reader chose it. `span` is the width of a window.
// `before` is the picture of the last frame: lanes whose `key` is the same are taken from there.
function draw(story, common, span, shown, before = null) {
  const picture = new Picture(common.width), strips = [], scale = common.room / span;
  const sized = { ...common, slot: Math.max(10, Math.min(scale, 40)) };
  let y = 2;
  story.lanes.forEach((lane, index) => {
    const { view, from, start, open, isChosen } = shown[index];
    const key = shown[index].key && `${shown[index].key} ${y} ${span} ${common.width}`;
    let strip = before?.strips[index];
    if (!key || strip?.key !== key) {
      const drawn = new Picture(common.width);
      if (index) drawn.line(0, y + 4, common.width, y + 4, { stroke: "line" });
      strip = new Strip(drawn, sized, lane, y + (index ? 16 : 0), { window: { from, scale }, open });
      strip.key = key;
      strip.draw(view, start, isChosen);
    }
    picture.shapes.push({ tag: "g", attributes: {}, text: "", shapes: strip.picture.shapes });
    for (const name in strip.picture.anchors) picture.anchor(name, ...strip.picture.anchors[name]);
    strips.push(strip);
    y = strip.bottom;
  });
  if (!strips.length) picture.text(0, y += 24, "No partition in this run.", "ink-3", 14);
  picture.height = y + 2;
  picture.strips = strips;
  return picture;
}

// A moment as it is drawn without a browser. `span`: how many offsets fit into a lane's width; without
// it, all files. `numbered` names the anchors that carry the numbers of a look-for list, in its order.
export function still({ story, moment, width, span = null, numbered = [] }) {
  const common = layout(story, width), unfolded = laneOf(story, moment);
  const offsets = span ?? common.spans.fit;
  const shown = story.lanes.map((lane, index) => {
    const view = look(story, index, moment), from = view ? windowStart(lane, view.log_end, offsets) : 0;
    return { view, from, start: view && lensStart(view, common.capacity, from + offsets),
      open: common.folds && index !== unfolded ? 0 : 1, isChosen: false };
  });
  const picture = draw(story, common, offsets, shown), { height, shapes, anchors } = picture;
  callOuts(picture, numbered);
  return { width, height, shapes: flat(shapes), anchors, label: describe(story, shown.map(each => each.view)) };
}

// ---- what glides -------------------------------------------------------------------------------

// Numbers that glide to where they belong: flags, posts, pointers, windows, the lens.
class Glide {
  constructor() { this.values = new Map(); }
  // The value of `name` now, on its way to `target`; `jump` goes there at once.
  to(name, target, now, jump, ms = GLIDE_MS) {
    let it = this.values.get(name);
    if (!it || jump) {
      it = { from: target, target, since: -Infinity, ms };
      this.values.set(name, it);
    } else if (it.target !== target) {
      it = { from: this.at(it, now), target, since: now, ms };
      this.values.set(name, it);
    }
    return this.at(it, now);
  }
  // Let `name` come from `from` to zero.
  fade(name, from, ms) { this.values.set(name, { from, target: 0, since: performance.now(), ms }); }
  at(it, now) {
    const p = (now - it.since) / it.ms;
    return p >= 1 ? it.target : it.from + (it.target - it.from) * ease(p);
  }
  isMoving(now) { return [...this.values.values()].some(it => now - it.since < it.ms); }
}

// ---- the widget ---------------------------------------------------------------------------------

class LogStrip extends Player {
  constructor(model, root) {
    super(model, model.get("story").moments.time_us);
    this.story = model.get("story");
    this.versions = versions(this.story);
    this.looked = []; // lane -> its view and the version of that
    this.glide = new Glide();
    this.span = null; // offsets in a window; null: as many as fit all files
    this.wishes = {}; // lane -> { offset, share }: a window that the reader moved
    this.focus = {}; // lane -> offset in the middle of its lens
    this.held = false;
    this.chosen = null; // the lane that keys act on
    this.unfolded = laneOf(this.story, this.moment);
    this.build(root);
    this.begin();
  }

  // -- building ---------------------------------------------------------------------------------

  build(root) {
    this.buildPicture();
    const bar = this.buildBar();
    bar.append(this.buildZoom());
    this.root = chrome(this.model, "mk-strip", this.buildKeys(),
      element("div", { class: "mk-body" }, this.figure, this.buildSide()), this.buildNow(), bar);
    this.root.addEventListener("keydown", event => this.onKey(event));
    const on = (kind, act, options) => this.svg.addEventListener(kind, act, options);
    on("pointerdown", event => this.onDown(event));
    on("pointermove", event => this.onPoint(event));
    on("pointerup", () => { this.dragged = null; });
    on("pointercancel", () => { this.dragged = null; });
    on("pointerleave", () => { if (!this.held) this.setFocus({}); });
    on("click", event => this.onClick(event));
    on("wheel", event => this.onWheel(event), { passive: false });
    root.append(this.root);
  }

  buildZoom() {
    return element("span", { class: "mk-zoom", role: "group", "aria-label": "Zoom" },
      button("−", () => this.zoom(2), { label: "Zoom out" }),
      button("fit", () => this.fit(), { label: "Show all files" }),
      button("+", () => this.zoom(0.5), { label: "Zoom in" }));
  }

  buildSide() {
    const side = element("aside", { class: "mk-side" });
    const looks = this.model.get("look_for").map(([, first, rest]) => [first, rest]);
    if (looks.length) side.append(lookList(looks, false));
    this.looks = [...side.querySelectorAll("li")];
    this.numbers = element("div", { class: "mk-numbers" });
    const keys = this.story.keys.length ? [this.buildKeyTable()] : [];
    side.append(element("div", { class: "mk-more" }, ...keys,
      element("div", {}, element("h3", {}, "Legend"), this.buildLegend(), this.numbers)));
    return side;
  }

  // Which partition a key goes to, and why.
  buildKeyTable() {
    const shapes = keysOf(this.story), table = element("div", { class: "mk-keys" });
    for (const { text, hash, partition } of this.story.keys)
      table.append(glyph(16, 16, p => keyShape(p, shapes.indexOf(text), 8, 8)), element("b", {}, text),
        element("code", {}, hash), element("span", {}, "→ ", element("b", {}, `${partition}`)));
    const count = new Set(this.story.lanes.map(lane => lane.partition)).size;
    return element("div", {}, element("h3", {}, "Key → partition"), table,
      element("p", {}, `murmur2 of the key, sign bit off, modulo ${count}.`));
  }

  buildLegend() {
    const list = element("div", { class: "mk-legend" });
    const add = (words, paintIt) => list.append(glyph(30, 18, paintIt), element("span", {}, words));
    const lanes = this.story.lanes;
    add("batch, committed", p => batchBox(p, "committed", 1, 2, 28, 14));
    add("batch landing, not committed", p => batchBox(p, "landing", 1, 2, 28, 14));
    add("file; the open one has no right edge", p =>
      folder(p, { x0: 2, x1: 28, top: 2, y0: 7, y1: 17, tab: 13, isOpen: true }));
    add("high watermark (HW): committed up to here", p => {
      p.path(["M", 26, 2, "H", 8, "L", 4, 6.5, "L", 8, 11, "H", 26, "Z"], { fill: "commit" });
      p.line(26, 2, 26, 18, { stroke: "commit", stroke_width: 2.6 });
    });
    add("log end (LEO): the next free slot", p => p.path(
      ["M", 4, 18, "V", 2, "H", 22, "L", 26, 6.5, "L", 22, 11, "H", 4],
      { stroke: "ink", stroke_width: 1.4 }));
    if (lanes.some(lane => lane.batches.indexed.includes(true)))
      add("index entry", p => pin(p, 15, 3, 14));
    if (lanes.some(lane => Object.keys(lane.readers).length))
      add("a consumer’s next offset", p => pointer(p, 15, 5));
    if (lanes.some(lane => lane.epoch.value.length))
      add("leader of the partition, and its epoch", p => { crown(p, 7, 9); ribbon(p, 15, 2, "e"); });
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
    const lanes = this.story.lanes.length > 1 ? [", ", kbd("↑ ↓"), " choose a lane"] : [];
    return [kbd("space"), " plays, ", kbd("← →"), " step, ", kbd("+ − 0"), " zoom, ", kbd(", ."), " move the lens",
      ...lanes, " · point at a strip to move its lens, click to hold it, drag to move the strip"];
  }

  // -- drawing ----------------------------------------------------------------------------------

  layOut(width) { return layout(this.story, width); }

  get strips() { return this.picture?.strips ?? []; }

  isMoving(now) { return this.glide.isMoving(now); }

  paint(now, jump) {
    const moment = this.moment;
    const views = this.story.lanes.map((_, index) => this.look(index, moment));
    const span = this.spanShown = this.glide.to("span", this.offsets, now, jump, ZOOM_MS);
    const shown = views.map((view, index) => this.showLane(view, index, span, now, jump));
    this.views = views;
    this.shown = shown;
    const picture = draw(this.story, this.layout, span, shown, this.picture);
    this.picture = picture;
    this.lookFor(picture);
    this.show(picture);
    this.showMoment(moment, views);
  }

  // A lane at a moment; looked up again only when it may have changed.
  look(index, moment) {
    const version = this.versions[index][moment], known = this.looked[index];
    if (known?.version === version && !known.view?.flights.length) return known.view;
    const view = look(this.story, index, moment, this.time);
    this.looked[index] = { version, view };
    return view;
  }

  // What a lane shows now, everything on its way to where it belongs.
  showLane(view, index, span, now, jump) {
    const to = (name, target, ms) => this.glide.to(`${index} ${name}`, target, now, jump, ms);
    const isOpen = !this.layout.folds || index === this.unfolded;
    const shown = { view, from: 0, start: 0, open: to("open", isOpen ? 1 : 0, ZOOM_MS),
      isChosen: index === this.chosen };
    if (!view) return shown;
    const lane = this.story.lanes[index], wish = this.wishes[index];
    const stop = windowStart(lane, view.log_end, this.offsets, wish) + this.offsets;
    const lens = lensStart(view, this.layout.capacity, stop, this.focus[index] ?? null);
    shown.start = to("lens", lens, ZOOM_MS);
    shown.view = { ...view };
    for (const name of ["log_start", "high_watermark", "log_end"]) shown.view[name] = to(name, view[name]);
    shown.view.readers = view.readers.map(([name, offset, before]) => [name, to(name, offset), before]);
    shown.from = windowStart(lane, shown.view.log_end, span, wish) + to("shift", 0, ZOOM_MS);
    const { log_start, high_watermark, log_end, readers, flights } = shown.view;
    shown.key = [this.versions[index][this.moment], shown.from, shown.start, shown.open, shown.isChosen,
      log_start, high_watermark, log_end, ...readers.map(reader => reader[1]),
      ...flights.map(flight => flight.progress)].join(" ");
    return shown;
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
    if (this.momentShown === moment) return;
    this.momentShown = moment;
    this.root.dataset.moment = moment;
    this.range.setAttribute("aria-valuetext", `${clock}, ${text[moment] ?? "nothing happened"}`);
    this.svg.setAttribute("aria-label", describe(this.story, views));
    this.nowText.textContent = text[moment] ?? "Nothing happened in this run.";
    this.nowCount.textContent = text.length ? `${moment + 1} / ${text.length}` : "";
    this.nowMark.style.background = `var(--mk-${IDEA[kind[moment]] ?? "ink-3"})`;
    this.showNumbers(views);
  }

  showNumbers(views) {
    let records = 0, bytes = 0, files = 0;
    for (const view of views.filter(Boolean)) {
      records += view.log_end - view.log_start;
      files += view.segments.length;
      bytes += view.size_bytes;
    }
    const [size, unit] = sizeText(bytes).split(" ");
    this.numbers.replaceChildren(numeral(`${records}`, "", "records to read"),
      numeral(size, unit, `in ${plural(files, "file")}`));
  }

  // -- zoom ---------------------------------------------------------------------------------------

  // Offsets in a window, when it has come to rest.
  get offsets() {
    const { near, fit, all } = this.layout.spans;
    return Math.max(near, Math.min(all, this.span ?? fit));
  }

  // Show `factor` times as many offsets. The offset at a `share` of lane `index` keeps its place; other
  // windows stay at the log's end, or around their middle when the reader moved them.
  zoom(factor, index = null, share = 0.5) {
    const before = this.offsets, lanes = { ...this.wishes, ...(index === null ? {} : { [index]: null }) };
    this.span = before * factor;
    for (const lane of Object.keys(lanes)) {
      const at = +lane === index ? share : 0.5;
      this.wish(+lane, { offset: this.shown[lane].from + at * before, share: at });
    }
    this.redraw();
  }

  fit() {
    this.span = null;
    this.follow();
  }

  // Everything back to the log's end.
  follow() {
    for (const lane of Object.keys(this.wishes)) this.wish(+lane, null);
    this.held = false;
    this.setFocus({});
  }

  // Move a window, unless it would show the log's end anyway: then it follows that. It glides there
  // from where it is, but not while it is dragged.
  wish(index, wish) {
    const lane = this.story.lanes[index], { view, from } = this.shown[index];
    if (!view) return;
    const end = this.views[index].log_end, latest = windowStart(lane, end, this.offsets);
    if (wish && windowStart(lane, end, this.offsets, wish) < latest) this.wishes[index] = wish;
    else delete this.wishes[index];
    const after = windowStart(lane, view.log_end, this.spanShown, this.wishes[index]);
    if (!this.dragged) this.glide.fade(`${index} shift`, from - after, ZOOM_MS);
    this.redraw();
  }

  // -- keys and pointer -----------------------------------------------------------------------------

  keys() {
    const lanes = this.story.lanes.length, chosen = this.chosen ?? this.unfolded, digits = {};
    for (let i = 1; i <= Math.min(9, lanes); i++) digits[i] = () => this.choose(i - 1);
    return {
      ...digits, "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.fit(),
      ArrowDown: () => this.choose(this.chosen === null ? 0 : Math.min(lanes - 1, chosen + 1)),
      ArrowUp: () => this.choose(this.chosen === null ? lanes - 1 : Math.max(0, chosen - 1)),
      ",": () => this.moveLens(chosen, -1), ".": () => this.moveLens(chosen, 1),
      Escape: () => { this.chosen = null; this.follow(); },
    };
  }

  choose(index) {
    this.chosen = index;
    this.unfolded = index;
    this.redraw();
  }

  // Half a lens to one side; the window comes along.
  moveLens(index, by) {
    const view = this.views[index], half = Math.ceil(this.layout.capacity / 2);
    if (!view) return;
    const stop = this.shown[index].from + this.offsets;
    const start = lensStart(view, this.layout.capacity, stop, this.focus[index] ?? null);
    const latest = Math.max(view.first, view.log_end - this.layout.capacity);
    const offset = Math.max(view.first, Math.min(latest, start + by * half)) + Math.floor(this.layout.capacity / 2);
    this.held = true;
    if (offset < this.shown[index].from || offset >= stop) this.wish(index, { offset, share: 0.5 });
    this.setFocus({ [index]: offset });
  }

  // The lane under the pointer and the offset there; null outside of the strips.
  pointed(event) {
    const [x, y] = pointIn(this.svg, this.size, event);
    const index = this.strips.findIndex(s => y >= s.yTag && y <= s.yReaders);
    if (index < 0) return null;
    const share = (x - this.layout.left) / this.layout.room;
    return { index, x, share, isName: share < 0, offset: Math.floor(this.strips[index].offset(x)) };
  }

  onDown(event) {
    const point = this.pointed(event);
    this.wasDragged = false;
    if (!point || point.isName || event.button || !this.views[point.index]) return;
    this.dragged = { ...point, from: this.shown[point.index].from };
  }

  onPoint(event) {
    if (this.dragged) return this.drag(event);
    const point = this.pointed(event), isFolded = point && this.strips[point.index].isFolded;
    this.svg.style.cursor = point ? (isFolded || point.isName ? "pointer" : "zoom-in") : "";
    if (!this.held) this.setFocus(point && !point.isName ? { [point.index]: point.offset } : {});
  }

  drag(event) {
    const { index, x, from } = this.dragged, by = pointIn(this.svg, this.size, event)[0] - x;
    if (!this.wasDragged && Math.abs(by) < 4) return;
    if (!this.wasDragged) this.svg.setPointerCapture(event.pointerId);
    this.wasDragged = true;
    this.svg.style.cursor = "grabbing";
    this.wish(index, { offset: from - by * this.offsets / this.layout.room, share: 0 });
  }

  // A click unfolds a lane, or holds its lens where it is, or lets it go.
  onClick(event) {
    const point = this.pointed(event);
    if (this.wasDragged) return;
    if (point && this.layout.folds && point.index !== this.unfolded) this.choose(point.index);
    else this.held = Boolean(point) && !point.isName && !this.held;
    this.setFocus(point && !point.isName ? { [point.index]: point.offset } : {});
  }

  // With ctrl, or two fingers on a pad, around the pointer; sideways along the log.
  onWheel(event) {
    const point = this.pointed(event), isZoom = event.ctrlKey || event.metaKey;
    const along = event.shiftKey ? event.deltaY : event.deltaX;
    if (!point || point.isName || !this.views[point.index]) return;
    if (!isZoom && Math.abs(along) <= Math.abs(event.shiftKey ? 0 : event.deltaY)) return;
    event.preventDefault();
    if (isZoom) return this.zoom(2 ** (event.deltaY / 160), point.index, Math.min(1, point.share));
    const from = this.shown[point.index].from + along * this.offsets / this.layout.room;
    this.wish(point.index, { offset: from, share: 0 });
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
