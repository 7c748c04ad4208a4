// Why a log: the same systems joined each to each, and through one log. A small model that runs.
//
//     shop ▷──╲ ╱──▷ billing            shop ▷──╲
//              ╳                        till ▷───▼
//     till ▷──╱ ╲──▷ search             ▭▭▭▭▭▭▭▭▭┆ next 9
//                                              ▲────▷ billing
//     2 × 2 = 4 pipelines                  ▲────────▷ search      2 + 2 = 4 programs
//
//     state (pipelines.model.js) ─► layout(width) ─► draw(view) ─► shapes
//
// `still` is the picture without a browser; the model and drawing.js, glyphs.js and player.js stand in
// front of this file.

// ---- the picture -------------------------------------------------------------------------------

const TAG = 86, TALL = 22, ROW = 38, LANE = 26, HEAD = 70, FOOT = 46, TWO = 620, BETWEEN = 44;
const mix = (a, b, p) => a + (b - a) * p;

// A program that has to be written (+) or changed (≠); filled while the team works on it.
function workSign(p, x, y, isNew, isNow) {
  const ink = isNow ? "inv" : "ink";
  p.rect(x - 8, y - 8, 16, 16, { rx: 2, fill: isNow ? "ink" : "surface", stroke: "ink", stroke_width: 1.4 });
  const points = isNew ? ["M", x - 4, y, "H", x + 4, "M", x, y - 4, "V", y + 4]
    : ["M", x - 4, y - 2, "H", x + 4, "M", x - 4, y + 2, "H", x + 4, "M", x + 2.5, y - 5, "L", x - 2.5, y + 5];
  p.path(points, { stroke: ink, stroke_width: 1.5 });
}

// Records that wait, in a box with their number.
function queueBox(p, x, y, count) {
  p.rect(x - 9, y - 8, 18, 16, { rx: 2, fill: "surface", stroke: "edge", stroke_width: 1.1 });
  p.hatch(x - 9, y - 8, 18, 16, "edge", 5);
  p.text(x, y + 4, `${count}`, "ink", 11, { bold: 1, text_anchor: "middle", halo: "surface" });
}

// Where both sides and their rows are: `height` is that of both together.
function layout(state, width) {
  const isWide = width >= TWO, w = isWide ? (width - BETWEEN) / 2 : width;
  const body = (state.sources.length + state.targets.length) * ROW + LANE + 46;
  const tall = HEAD + body + FOOT;
  const second = isWide ? [w + BETWEEN, 0] : [0, tall + 26];
  return { width, w, body, isWide, height: second[1] + tall, sides: [[0, 0], second] };
}

// A side has its systems (`places`), the programs between them, a head and a foot with its numbers.
class Side {
  constructor(picture, state, side, where, [x, y], view) {
    Object.assign(this, { picture, state, side, view, x, y, w: where.w, body: where.body, top: y + HEAD });
    this.places = {};
    this.taken = []; // where signs stand
    this.now = side.programs.find(one => one.todo);
  }

  head(title, words, noun) {
    this.picture.text(this.x, this.y + 13, title, "ink", 14, { bold: 1 });
    this.picture.text(this.x, this.y + 45, words, "ink", 27, { bold: 1 });
    const used = textWidth(words, 27, true) * 1.07 + 9;
    this.picture.text(this.x + used, this.y + 45, fitting([noun], this.w - used, 13), "ink-2", 13);
  }

  foot() {
    const y = this.top + this.body, { side, picture } = this, column = this.w / 4;
    const numbers = [[side.written, ["programs written", "written"]], [todo(side), ["still to write", "to write"]],
      [side.lost, ["records lost", "lost"]], [side.waited, ["s sources waited", "s waited"]]];
    picture.line(this.x, y, this.x + this.w, y, { stroke: "line" });
    numbers.forEach(([count, words], i) => {
      const x = this.x + i * column;
      if (i === 2 && count) cross(picture, x + textWidth(`${count}`, 18, true) + 12, y + 18, 4.5);
      picture.text(x, y + 24, `${count}`, i === 2 && count ? "lost-text" : "ink", 18, { bold: 1 });
      picture.text(x, y + 40, fitting(words, column - 4, 11), "ink-2", 11);
    });
  }

  // A system's tag, and below it in words what is wrong.
  system({ name, broken, since }, x, y) {
    const { picture, state, side } = this, isOut = isSource(name), stalled = side.stalled[name];
    const isChosen = name === this.view.selected, tall = TALL + (broken || stalled ? 17 : 8);
    this.places[name] = [x, y];
    if (isChosen)
      picture.rect(x - 4, y - 4, TAG + 8, tall, { rx: 5, fill: "cell", stroke: "ink", stroke_width: 1.6 });
    (isOut ? tag : notched)(picture, x, y, TAG, { h: TALL, isDead: broken });
    if (broken) crack(picture, x + TAG - (isOut ? 12 : 5), y - 2, y + TALL + 2);
    const colour = broken ? "ink-2" : isOut ? "write-text" : "read-text";
    picture.text(x + (isOut ? 8 : 12), y + 15, name, colour, 12, { bold: 1 });
    const halo = { halo: isChosen ? "cell" : "surface" };
    if (broken) picture.text(x + 2, y + TALL + 10.5, `broken ${state.tick - since} s`, "lost-text", 11, halo);
    else if (stalled) {
      for (const bar of [4, 8]) picture.line(x + bar, y + TALL + 3, x + bar, y + TALL + 11, { stroke: "ink", stroke_width: 2 });
      picture.text(x + 14, y + TALL + 11, `waits ${stalled} s`, "ink", 11, { bold: 1, ...halo });
    }
  }

  // A program from one point to another: its line says whether it runs, its signs why not.
  line(one, [x0, y0], [x1, y1]) {
    const { picture, state, view } = this, at = p => [mix(x0, x1, p), mix(y0, y1, p)];
    const isChosen = one.from === view.selected || one.to === view.selected;
    const dashes = one.isNew ? "1.5 4" : one.todo ? "5 4" : "";
    picture.line(x0, y0, x1, y1, { stroke: isChosen ? "ink" : "edge", stroke_width: isChosen ? 1.8 : 1,
      ...(dashes ? { stroke_dasharray: dashes } : {}) });
    if (!isUp(state, one.to)) cut(picture, ...at(0.86));
    if (!isUp(state, one.from)) cut(picture, ...at(0.14));
    for (let i = 0; i < one.carried; i++) {
      const p = view.p - i * 0.14;
      if (p > 0 && p < 1) picture.circle(...at(p), 3, { fill: one.from === LOG ? "read" : "write" });
    }
  }

  // What waits on a line, what is lost there and what is to be written: over all lines, and where
  // there is room.
  signs(one, [x0, y0], [x1, y1]) {
    const { picture } = this;
    const free = (from, w) => {
      const tries = [0, -0.07, 0.07, -0.13, 0.13, 0.2, -0.2].map(by => [mix(x0, x1, from + by), mix(y0, y1, from + by)]);
      const isFree = ([x, y]) => !this.taken.some(([ox, oy, ow]) => Math.abs(y - oy) < 17 && x < ox + ow && ox < x + w);
      const [x, y] = tries.find(isFree) ?? tries[0];
      this.taken.push([x, y, w]);
      return [x, y];
    };
    if (one.queue) {
      const [x, y] = free(this.queueAt, one.lost ? 42 : 20);
      queueBox(picture, x, y, one.queue);
      if (one.lost) {
        cross(picture, x + 17, y, 4);
        picture.text(x + 24, y + 4, `${one.lost}`, "lost-text", 11, { bold: 1, halo: "surface" });
      }
    }
    if (one.todo) workSign(picture, ...free(this.workAt, 20), one.isNew, one === this.now);
  }
}

// Sources left, targets right, a pipeline from each to each.
class EachToEach extends Side {
  queueAt = 0.3;
  workAt = 0.6;

  draw() {
    const { state, side } = this;
    this.head("Each to each", formula(state, "×"), "pipelines");
    const nib = name => [this.x + TAG, this.yOf(state.sources, name)];
    const notch = name => [this.x + this.w - TAG + 4, this.yOf(state.targets, name)];
    const chosen = one => one.from === this.view.selected || one.to === this.view.selected;
    const ordered = [...side.programs].sort((a, b) => chosen(a) - chosen(b));
    for (const one of ordered) this.line(one, nib(one.from), notch(one.to));
    for (const one of ordered) this.signs(one, nib(one.from), notch(one.to));
    for (const each of state.sources) this.system(each, this.x, nib(each.name)[1] - TALL / 2);
    for (const each of state.targets) this.system(each, this.x + this.w - TAG, notch(each.name)[1] - TALL / 2);
    this.foot();
  }

  yOf(systems, name) {
    return this.top + (systems.findIndex(s => s.name === name) + 0.5) * (this.body - 14) / systems.length;
  }
}

// Sources above, the log between, targets below, each with its position in the log.
class OneLog extends Side {
  queueAt = 0.17;
  workAt = 0.42;

  draw() {
    const { state, side, w } = this;
    this.head("One log", formula(state, "+"), "programs");
    this.cell = w > 400 ? 15 : 11;
    this.xEnd = this.x + w - TAG - 46; // where the next record goes
    this.yLane = this.top + state.sources.length * ROW + 24;
    const landed = side.programs.reduce((sum, p) => sum + (p.to === LOG ? p.carried : 0), 0);
    this.end = mix(state.end - landed, state.end, this.view.p); // as drawn: it grows while records land
    this.landing = this.view.p < 1 ? state.end - landed : state.end;
    const door = [this.xEnd + this.cell / 2, this.yLane - 10];
    const writers = side.programs.filter(p => p.to === LOG).map(p => [p, [this.x + TAG, this.yOf(state.sources, p.from, this.top)], door]);
    for (const each of writers) this.line(...each);
    this.picture.line(door[0], door[1], door[0], this.yLane - 4, { stroke: "write", stroke_width: 3 });
    this.picture.path(["M", door[0], this.yLane + 3, "L", door[0] - 4.5, this.yLane - 5, "H", door[0] + 4.5, "Z"], { fill: "write" });
    for (const each of writers) this.signs(...each);
    this.lane();
    for (const each of state.sources) this.system(each, this.x, this.yOf(state.sources, each.name, this.top) - TALL / 2);
    for (const each of state.targets) this.target(each);
    this.foot();
  }

  yOf(systems, name, top) { return top + systems.findIndex(s => s.name === name) * ROW + TALL / 2; }

  xOf(offset) { return this.xEnd + (offset - this.end) * this.cell; }

  // As much of the log as there is room for; what has landed in this second is hatched.
  lane() {
    const { picture, state, x, w, yLane: y, cell } = this;
    picture.rect(x, y, w, LANE, { rx: 3, fill: "raised", stroke: "line" });
    const first = Math.max(0, Math.floor(this.end - (this.xEnd - x) / cell));
    for (let offset = first; offset < state.end; offset++) {
      const left = Math.max(x + 2, this.xOf(offset) + 0.5), right = this.xOf(offset + 1) - 0.5;
      if (right - left > 1 && offset < this.end)
        batchBox(picture, offset < this.landing ? "committed" : "landing", left, y + 4, right - left, LANE - 8);
    }
    if (first === 0 && this.xOf(0) > x + 8) bracket(picture, this.xOf(0) - 3, y + 2, y + LANE - 2);
    freeSlot(picture, this.xEnd + 1, y + 4, cell - 2, LANE - 8);
    picture.text(this.xEnd + cell + 7, y + 17, `next ${state.end}`, "ink-2", 11);
  }

  // From its position in the log to its tag; the thick part is how far it is behind.
  target(system) {
    const { picture, state, view } = this, one = this.side.programs.find(p => p.from === LOG && p.to === system.name);
    const y = this.yOf(state.targets, system.name, this.yLane + LANE + 14), notch = this.x + this.w - TAG + 4;
    const at = mix(one.position - one.carried, one.position, view.p), behind = state.end - one.position;
    const isFar = this.xOf(at) < this.x + 8, x = isFar ? this.x + 8 : this.xOf(at) + this.cell / 2;
    if (!isFar) picture.line(x, this.yLane + LANE, x, y - 2, { stroke: "read", stroke_dasharray: "1.5 3" });
    const carried = one.carried; // a dot for all: it reads many records at once
    this.line({ ...one, carried: carried ? 1 : 0 }, [x, y], [notch, y]);
    if (isFar) picture.path(["M", x - 6, y, "L", x + 3, y - 5, "V", y + 5, "Z"], { fill: "read" });
    else pointer(picture, x, y - 4);
    const end = this.xEnd + this.cell / 2;
    if (behind && end - x > 3) {
      picture.line(x, y, end, y, { stroke: "read", stroke_width: 2.4 });
      picture.line(end, y - 4, end, y + 4, { stroke: "read", stroke_width: 2.4 });
    }
    if (one.todo) workSign(picture, notch - 16, y, one.isNew, one === this.now);
    const words = `lag ${behind}`, room = textWidth(words, 11, true) + 8;
    if (behind) picture.text(Math.max(this.x + 18, Math.min(x + 8, end - room)), y + 15, words, "read-text", 11, { bold: 1, halo: "surface" });
    this.system(system, this.x + this.w - TAG, y - TALL / 2);
  }
}

// `view`: how much of the last second has passed (`p`), and which system is selected.
function draw(state, where, view) {
  const picture = new Picture(where.width), parts = [[EachToEach, state.direct], [OneLog, state.log]];
  picture.height = where.height;
  picture.places = parts.map(([Kind, side], i) => {
    const drawn = new Kind(picture, state, side, where, where.sides[i], view);
    drawn.draw();
    return drawn.places;
  });
  if (where.isWide) picture.line(where.width / 2, 0, where.width / 2, where.height, { stroke: "line" });
  return picture;
}

// Moments of a story under each other, each [caption, acts, second].
export function still({ start, frames, width }) {
  const picture = new Picture(width), labels = [];
  for (const [caption, acts, tick] of frames) {
    const state = run(start, acts, tick), where = layout(state, width), top = picture.height + (picture.height ? 30 : 0);
    where.sides = where.sides.map(([x, y]) => [x, y + top + 30]);
    picture.text(0, top + 13, caption, "ink-2", 13);
    const { shapes } = draw(state, { ...where, isWide: false }, { p: 0.6, selected: "" });
    picture.shapes.push(...shapes);
    picture.height = top + 30 + where.height;
    labels.push(`${caption}\n${describe(state)}`);
  }
  return { width, height: picture.height, shapes: picture.shapes, anchors: {}, label: labels.join("\n\n") };
}

// ---- the widget ----------------------------------------------------------------------------------

const SPEED = [1, 2, 4, 8], STEP = 700; // ms that a single step takes to be seen

class Pipelines {
  constructor(model, root) {
    this.model = model;
    this.acts = [...model.get("acts")];
    this.state = run(model.get("start"), this.acts, model.get("tick"));
    this.selected = this.state.targets[1]?.name ?? systems(this.state)[0]?.name ?? "";
    this.chosen = []; // what was selected before each act
    this.p = 1; // how much of the last second has passed
    this.playing = false;
    this.speed = 1;
    this.frame = 0;
    this.words = "";
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.build(root);
    this.watch = new ResizeObserver(([entry]) => this.resize(entry.contentRect.width));
    this.watch.observe(this.figure);
  }

  remove() {
    cancelAnimationFrame(this.frame);
    this.watch.disconnect();
  }

  // -- building ---------------------------------------------------------------------------------

  build(root) {
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("role", "img");
    this.svg.addEventListener("click", event => this.onClick(event));
    this.figure = element("figure", { class: "mk-picture" });
    this.figure.append(this.svg);
    this.names = element("div", { class: "mk-names", role: "radiogroup", "aria-label": "System" });
    this.now = element("p", { class: "mk-now", "aria-live": "polite" });
    this.root = chrome(this.model, "mk-pipelines", this.buildKeys(),
      this.figure, element("div", { class: "mk-acts" }, this.names, this.buildVerbs()),
      this.now, this.buildBar(), this.buildSide());
    this.root.addEventListener("keydown", event => this.onKey(event));
    root.append(this.root);
  }

  buildVerbs() {
    this.breaks = button("", () => this.doBreak());
    this.swaps = button("", () => this.act("swap", this.selected));
    this.removes = button("", () => this.act("remove", this.selected));
    this.addsSource = button("", () => this.doAdd(Object.keys(SOURCES)));
    this.addsTarget = button("", () => this.doAdd(TARGETS));
    return element("div", { class: "mk-verbs" }, this.breaks, this.swaps, this.removes, this.addsSource, this.addsTarget);
  }

  buildBar() {
    this.playButton = button(icon("play"), () => this.toggle(), { label: "Play", class: "mk-play" });
    this.clock = element("output", { class: "mk-clock" });
    this.speedButton = button("× 1", () => this.faster(), { "aria-label": "Speed 1", class: "mk-speed" });
    this.undoButton = button("undo", () => this.undo(), { label: "Undo", class: "mk-undo" });
    return element("div", { class: "mk-bar" }, this.playButton,
      button(icon("step"), () => this.step(), { label: "One second on", class: "mk-step" }), this.clock, this.speedButton, this.undoButton);
  }

  buildSide() {
    const rules = [
      ["A source makes one record a second.", "Each to each it sends that once to every target, through a pipeline of its own with its own format. With a log it writes the record once."],
      [`A buffer holds ${BUFFER} records,`, `in the memory of its source. When it is full, ${this.those("drops")} drop the next record; ${this.those("waits")} wait, and make nothing for anybody.`],
      ["A target reads the log at its own pace,", `up to ${READ} records a second. The log remembers everything; a new target begins at 0. A pipeline carries up to ${CARRIED} a second.`],
      ["Formats are work.", `A new system and a swapped database need programs. Each side has a team that writes one in ${WORK} s; until then nothing moves there.`],
      ["The log itself never breaks here.", "A real one can. That it survives is what copies are for, in later chapters."],
    ];
    return element("aside", { class: "mk-side" }, lookList(rules, false, "The rules"),
      element("div", {}, element("h3", {}, "Legend"), this.buildLegend()));
  }

  those(what) {
    const names = Object.keys(SOURCES).filter(name => SOURCES[name] === what);
    return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  }

  buildLegend() {
    const list = element("div", { class: "mk-legend" });
    const add = (words, paintIt) => list.append(glyph(30, 20, paintIt), element("span", {}, words));
    add("a source; a target", p => { tag(p, 0, 2, 15, { h: 15 }); notched(p, 16, 2, 14, { h: 15 }); });
    add("a record on its way", p => { p.line(0, 10, 30, 10, { stroke: "edge" }); p.circle(15, 10, 3, { fill: "write" }); });
    add("a program to be written", p => workSign(p, 15, 10, true, false));
    add("to be changed; filled: at work on it", p => { workSign(p, 8, 10, false, false); workSign(p, 22, 10, false, true); });
    add("records that wait in a buffer", p => queueBox(p, 15, 10, 3));
    add("records lost", p => cross(p, 15, 10, 5));
    add("no way through", p => { p.line(0, 10, 30, 10, { stroke: "edge" }); cut(p, 15, 10); });
    add("a source that waits", p => { for (const x of [12, 17]) p.line(x, 5, x, 15, { stroke: "ink", stroke_width: 2.4 }); });
    add("a target’s position, its lag", p => {
      pointer(p, 6, 6);
      p.line(6, 10, 28, 10, { stroke: "read", stroke_width: 2.4 });
      p.line(28, 6, 28, 14, { stroke: "read", stroke_width: 2.4 });
    });
    return list;
  }

  buildKeys() {
    return [kbd("space"), " plays, ", kbd("→"), " one second, ", kbd("↑ ↓"), " choose a system, ", kbd("B"), " breaks or repairs it, ",
      kbd("S"), " swaps its database, ", kbd("Delete"), " removes it · ", kbd("A"), " adds a source, ", kbd("T"), " a target · ", kbd("Z"), " undo"];
  }

  // -- what the reader does -----------------------------------------------------------------------

  act(verb, name) {
    if (!name) return;
    const act = [this.state.tick, verb, name], before = cost(this.state, act);
    const place = systems(this.state).findIndex(system => system.name === name);
    VERBS[verb](this.state, name);
    this.acts = [...this.acts, act];
    this.chosen.push(this.selected);
    this.words = verb === "add" ? cost(this.state, act) : before;
    if (verb === "add") this.selected = name;
    if (verb === "remove") this.selected = (systems(this.state)[place] ?? systems(this.state).at(-1))?.name ?? "";
    this.tell();
    this.redraw();
  }

  doBreak() { if (this.selected) this.act(find(this.state, this.selected).broken ? "repair" : "break", this.selected); }

  doAdd(names) { this.act("add", names.find(name => !find(this.state, name))); }

  // Back to the moment of the last act, without it.
  undo() {
    const last = this.acts.at(-1);
    if (!last) return;
    this.acts = this.acts.slice(0, -1);
    this.state = run(this.model.get("start"), this.acts, last[0]);
    this.p = 1;
    this.selected = this.chosen.pop() ?? systems(this.state)[0]?.name ?? "";
    this.words = `Undone: ${last[1]} ${last[2]}. It is ${last[0]} s again.`;
    this.tell();
    this.redraw();
  }

  choose(name) {
    this.selected = name;
    this.words = "";
    this.redraw();
  }

  walk(by) {
    const names = systems(this.state).map(system => system.name);
    this.choose(names[(names.indexOf(this.selected) + by + names.length) % names.length] ?? "");
  }

  // Let the kernel know what was done and when it is.
  tell() {
    this.model.set("acts", this.acts);
    this.model.set("tick", this.state.tick);
    this.model.save_changes();
  }

  // -- time -----------------------------------------------------------------------------------------

  toggle() {
    this.playing = !this.playing;
    this.before = null;
    showPlaying(this);
    if (!this.playing) this.tell();
    this.redraw();
  }

  step() {
    if (this.playing) this.toggle();
    this.next();
    this.before = null;
    this.tell();
    this.redraw();
  }

  next() {
    second(this.state);
    this.p = 0;
  }

  faster() {
    this.speed = SPEED[(SPEED.indexOf(this.speed) + 1) % SPEED.length];
    this.speedButton.textContent = `× ${this.speed}`;
    this.speedButton.setAttribute("aria-label", `Speed ${this.speed}`);
  }

  advance(now) {
    const elapsed = this.before == null ? 0 : Math.min(100, now - this.before);
    this.before = now;
    this.p = Math.min(1, this.p + elapsed / (this.playing ? 1000 / this.speed : STEP));
    if (this.playing && this.p === 1) this.next();
  }

  // -- drawing ----------------------------------------------------------------------------------------

  resize(width) {
    this.size = enlarged(this.root);
    this.width = Math.floor(width / this.size);
    this.redraw();
  }

  redraw() { if (!this.frame) this.frame = requestAnimationFrame(now => this.onFrame(now)); }

  onFrame(now) {
    this.frame = 0;
    if (!(this.width > 40)) return;
    this.advance(now);
    const where = layout(this.state, this.width), p = this.calm.matches && this.p < 1 ? 0.75 : this.p;
    const picture = draw(this.state, where, { p, selected: this.selected });
    this.places = picture.places;
    sizeTo(this.svg, where.width, where.height, this.size);
    patch(this.svg, picture.shapes);
    this.showWords();
    if (this.playing || this.p < 1) this.redraw();
  }

  // Words and buttons; only when something is said differently.
  showWords() {
    const words = describe(this.state), key = [words, this.selected, this.words, this.acts.length].join();
    if (this.shown === key) return;
    this.shown = key;
    this.root.dataset.tick = this.state.tick;
    this.root.dataset.selected = this.selected;
    this.svg.setAttribute("aria-label", words);
    this.clock.textContent = `${this.state.tick} s`;
    this.now.replaceChildren(element("span", {}, this.words || this.standing()));
    this.undoButton.disabled = !this.acts.length;
    this.showNames();
    this.showVerbs();
  }

  standing() {
    const { direct, log } = this.state;
    return `${direct.programs.length} pipelines against ${log.programs.length} programs. Choose a system and break it, swap its database, or add one; then play.`;
  }

  // Only when they differ: a button must not be replaced under a finger.
  showNames() {
    const key = JSON.stringify([this.selected, systems(this.state)]);
    if (this.namesShown === key) return;
    this.namesShown = key;
    const hadFocus = this.names.contains(document.activeElement);
    this.names.replaceChildren(...systems(this.state).map(({ name, broken }) => {
      const isChosen = name === this.selected;
      const label = `${isSource(name) ? "source" : "target"} ${name}${broken ? ", broken" : ""}`;
      return button(broken ? `✕ ${name}` : name, () => this.choose(name), { role: "radio", "aria-checked": `${isChosen}`, "data-name": name,
        "aria-label": label, class: isSource(name) ? "mk-source" : "mk-target", tabindex: isChosen ? "0" : "-1" });
    }));
    if (hadFocus) this.names.querySelector("[tabindex='0']")?.focus();
  }

  showVerbs() {
    const name = this.selected, isBroken = Boolean(name) && find(this.state, name).broken;
    const free = all => all.find(each => !find(this.state, each));
    const source = free(Object.keys(SOURCES)), target = free(TARGETS);
    const show = (button, words, can) => { button.textContent = words; button.disabled = !can; };
    show(this.breaks, `${isBroken ? "Repair" : "Break"} ${name}`, name);
    show(this.swaps, `Swap the database of ${name}`, name);
    show(this.removes, `Remove ${name}`, name);
    show(this.addsSource, source ? `Add a source: ${source}` : "No more sources", source);
    show(this.addsTarget, target ? `Add a target: ${target}` : "No more targets", target);
  }

  // -- keys and pointer -------------------------------------------------------------------------------

  onClick(event) {
    const [x, y] = pointIn(this.svg, this.size, event);
    for (const places of this.places)
      for (const [name, [left, top]] of Object.entries(places))
        if (x >= left - 4 && x <= left + TAG + 4 && y >= top - 4 && y <= top + TALL + 4) this.choose(name);
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event, isRadio = target.getAttribute("role") === "radio";
    const act = {
      " ": target.tagName === "BUTTON" ? null : () => this.toggle(),
      ArrowUp: () => this.walk(-1), ArrowDown: () => this.walk(1),
      ArrowLeft: isRadio ? () => this.walk(-1) : null,
      ArrowRight: isRadio ? () => this.walk(1) : () => this.step(),
      b: () => this.doBreak(), s: () => this.act("swap", this.selected),
      delete: () => this.act("remove", this.selected),
      a: () => this.doAdd(Object.keys(SOURCES)), t: () => this.doAdd(TARGETS), z: () => this.undo(),
    }[event.key.length === 1 || event.key === "Delete" ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

function render({ model, el }) {
  const widget = new Pipelines(model, el);
  return () => widget.remove();
}

export default { render };
