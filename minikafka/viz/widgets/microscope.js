// The timing microscope as a widget: plays the run, zooms into it, follows a batch, and has another run
// made when a slider is released.
//
//     slider ─► knobs ─► kernel ─► story ─► microscope.story.js ─► microscope.picture.js ─► here
//                  └──► the stored grid, where nobody answers ──►┘
//
// Whether there is a kernel is found out by asking: `asked` comes back as `answered`, or it does not.

const PLAY_MS = 14_000, LEAST_SPAN = 1_000, SETTINGS_LINE = 11, KNOB_LETTERS = 20;

// ---- the picture without a browser --------------------------------------------------------------

function chosenBatch(layout, selected) {
  const side = layout.sides.find(each => each.name === selected?.[0]), batch = side?.batches[selected[1]];
  return batch ? { side, batch } : null;
}

export function still({ story, width, selected = [], numbered = [] }) {
  const place = layout(story, width);
  const picture = draw(place, { time: place.end, from: 0, to: place.end, selected: chosenBatch(place, selected), numbered });
  const words = allSettings(story);
  let line = "", y = picture.height + 14;
  for (const [i, word] of words.entries()) {
    const longer = line ? `${line} · ${word}` : word;
    if (textWidth(longer, SETTINGS_LINE) > width) { picture.text(0, y, line, "ink-2", SETTINGS_LINE); y += 15; line = word; } else line = longer;
    if (i === words.length - 1) picture.text(0, y, line, "ink-2", SETTINGS_LINE);
  }
  return { width, height: y + 6, label: inWords({ story }), shapes: flat(picture.shapes), anchors: {} };
}

function allSettings(story) {
  const { a, b, arrivals } = story.knobs;
  const both = Object.keys(a).filter(name => KNOBS[name]).map(name =>
    !b || a[name] === b[name] ? `${knobName(name)} ${knobText(name, a[name])}` : `${knobName(name)} A ${knobText(name, a[name])}, B ${knobText(name, b[name])}`);
  return [...ARRIVING.map(name => `${knobName(name)} ${knobText(name, arrivals[name])}`), ...both];
}

// ---- the live widget --------------------------------------------------------------------------------

class Microscope extends Player {
  constructor(model, root) {
    super(model, [0, 1]);
    this.pointedAt = null;
    this.isLive = false;
    this.nonce = `${Date.now()} ${Math.random()}`;
    this.build(root);
    this.take(model.get("story"));
    this.heard = {
      story: () => this.take(model.get("story")), selected: () => this.redraw(), trouble: () => this.sayTrouble(),
      answered: () => { if (!this.isLive && model.get("answered") === this.nonce) { this.isLive = true; this.showKnobs(); } },
    };
    for (const name in this.heard) model.on(`change:${name}`, this.heard[name]);
    this.begin();
    model.set("asked", this.nonce);
    model.save_changes();
  }

  remove() {
    super.remove();
    for (const name in this.heard) this.model.off(`change:${name}`, this.heard[name]);
  }

  // A new run is here; the playhead keeps its instant, or its place at the end.
  take(story) {
    const wasAtEnd = !this.story || this.place >= this.end, time = this.story ? this.time : 0;
    this.story = story;
    const sides = sidesOf(story);
    this.endUs = endOf(story, sides);
    this.times = instantsOf(story, sides, this.endUs);
    this.last = this.times.length - 1;
    this.end = PLAY_MS;
    this.places = this.times.map(at => at / this.endUs * PLAY_MS);
    const asked = this.model.get("moment");
    this.place = wasAtEnd ? (asked >= 0 && asked < this.last && !this.layout ? this.places[asked] : this.end) : Math.min(this.end, time / this.endUs * PLAY_MS);
    this.range.max = PLAY_MS;
    this.from = 0;
    this.span = this.endUs;
    this.pointedAt = null;
    if (this.layout) {
      const [name, index] = this.model.get("selected");
      if (name && index >= (story[name]?.batches.length ?? 0)) this.choose(null);
      this.layout = this.layOut(this.layout.width);
      this.drawTicks();
      this.jump = true;
      cancelAnimationFrame(this.frame); // not at the next frame: now
      this.onFrame(performance.now());
    }
    this.sayHeadline();
    this.showKnobs();
    if (this.released) {
      this.root.dataset.redrawn = Math.round(performance.now() - this.released);
      this.released = 0;
    }
  }

  get selected() {
    return this.pointedAt ?? chosenBatch(this.layout, this.model.get("selected"));
  }

  // ---- parts ------------------------------------------------------------------------------------

  build(root) {
    this.buildPicture();
    this.nowText = element("span");
    this.now = element("p", { class: "mk-now", "aria-live": "polite" }, this.nowText);
    this.knobs = element("div", { class: "mk-knobs" });
    const bar = this.buildBar();
    bar.append(...[["−", "Zoom out", 2], ["+", "Zoom in", 0.5]].map(([words, label, factor]) => {
      const node = element("button", { type: "button", class: "mk-zoom", "aria-label": label, title: label }, words);
      node.addEventListener("click", () => this.zoom(factor));
      return node;
    }));
    this.root = chrome(this.model, "mk-microscope", this.buildKeys(), this.figure, this.now, this.knobs, bar, this.buildSide());
    this.headline = this.root.querySelector("header p");
    this.root.addEventListener("keydown", event => this.onKey(event));
    this.svg.addEventListener("pointermove", event => this.point(this.near(event)));
    this.svg.addEventListener("pointerleave", () => this.point(null));
    this.svg.addEventListener("click", event => this.choose(this.near(event)));
    root.append(this.root);
  }

  buildKeys() {
    return [kbd("space"), " plays, ", kbd("← →"), " step, ", kbd("↑ ↓"), " walk the batches, ", kbd("A B"), " go to a side, ",
      kbd("Esc"), " lets go, ", kbd("+ − 0"), " zoom, ", kbd("PgUp PgDn"), " move the window"];
  }

  buildSide() {
    const legend = element("div", { class: "mk-legend" });
    const add = (words, paintIt) => legend.append(glyph(30, 20, paintIt), element("span", {}, ...withCode(words)));
    add("a batch fills, towards `batch.size`", p => {
      p.rect(1, 2, 28, 16, { fill: "surface", stroke: "write" });
      p.path(["M", 1, 18, "V", 15, "H", 8, "V", 11, "H", 16, "V", 8, "H", 29, "V", 18, "Z"], { fill: "write" });
    });
    add("closed; as tall as its bytes on the wire", p => {
      p.rect(1, 2, 20, 16, { fill: "surface", stroke: "write" });
      p.line(22, 18, 22, 10, { stroke: "ink", stroke_width: 2.6 });
    });
    add("waits for a slot in flight", p => p.hatch(1, 6, 28, 8, "edge", 4));
    add("its machine compresses and sends it", p => packing(p, 3, 27, 10, 8, 2.5));
    add("in flight; the box: at the broker", p => { p.line(0, 10, 30, 10, { stroke: "ink-2" }); p.rect(11, 7, 9, 6, { fill: "surface", stroke: "ink-2" }); });
    add("on the wire: produce and its answer", p => { p.line(4, 2, 14, 18, { stroke: "write", stroke_width: 1.5 }); p.line(18, 18, 28, 2, { stroke: "commit", stroke_width: 1.5 }); });
    add("on the wire: fetch (dashed) and its answer", p => { p.line(4, 18, 14, 2, { stroke: "read", stroke_dasharray: "2 2.5" }); p.line(18, 2, 28, 18, { stroke: "read", stroke_width: 1.8 }); });
    add("purgatory: a parked fetch; ■ an append", p => { parked(p, 0, 3, 30, 14, ""); p.rect(24, 0, 4, 4, { fill: "ink" }); });
    add("above: fetched, not yet polled; below: in the program’s hands", p => {
      buffered(p, 1, 2, 16, 7);
      inHand(p, 12, 10.5, 17, 8);
    });
    const looks = this.model.get("look_for");
    this.numbered = looks.map(([, , where]) => where ?? "");
    return element("aside", { class: "mk-side" }, ...(looks.length ? [lookList(looks, this.numbered.every(Boolean))] : []),
      element("div", {}, element("h3", {}, "Legend"), legend));
  }

  sayHeadline() {
    const own = this.model.get("settings"), words = headline(this.story);
    this.headline.replaceChildren(...withCode(own ? `${words} ${own}` : words));
  }

  sayTrouble() {
    const words = this.model.get("trouble");
    if (!words) return;
    this.released = 0;
    this.nowText.textContent = words;
    this.showKnobs();
  }

  // ---- knobs --------------------------------------------------------------------------------------

  // Which sliders there are: a setting that differs has one for each side.
  knobList() {
    const { a, b, arrivals } = this.story.knobs, { differ } = this.story, list = [];
    for (const [name, stops] of Object.entries(this.model.get("stops"))) {
      if (ARRIVING.includes(name)) list.push({ name, stops, sides: ["arrivals"], value: arrivals[name] });
      else if (differ.includes(name)) for (const side of ["a", "b"]) list.push({ name, stops, sides: [side], value: this.story.knobs[side][name], mark: ` ${side.toUpperCase()}` });
      else list.push({ name, stops, sides: b ? ["a", "b"] : ["a"], value: a[name] });
    }
    return list;
  }

  moves({ name }) { return this.isLive || (name in STORED_KNOBS && Boolean(this.model.get("stored").cells)); }

  showKnobs() {
    const list = this.knobList(), key = list.map(each => `${each.name}${each.mark ?? ""}${each.stops.length}${this.moves(each)}`).join();
    if (this.knobsShown !== key) {
      this.knobsShown = key;
      this.inputs = {};
      const isStored = list.some(each => this.moves(each)) && !this.isLive;
      const fixed = list.filter(each => !this.moves(each));
      this.knobs.replaceChildren(...(this.isLive && this.story.b ? [this.chooser(list)] : []),
        ...list.filter(each => this.moves(each)).map(each => this.slider(each)), ...(fixed.length ? [this.fixedWords(isStored)] : []));
    }
    for (const each of list) this.showKnob(each);
    if (this.fixedList) this.fixedList.textContent = list.filter(each => !this.moves(each))
      .map(({ name, mark = "", value }) => `${knobName(name)}${mark} ${knobText(name, value)}`).join(" · ");
  }

  fixedWords(isStored) {
    this.fixedList = element("span");
    return element("p", { class: "mk-fixed" }, element("b", {}, "Fixed here: "), this.fixedList,
      `. ${isStored ? "Their runs are stored for these sliders only; the" : "The"} others move where the notebook runs.`);
  }

  // Which setting A and B differ in: B becomes A with another value of it.
  chooser(list) {
    const select = element("select", { "aria-label": "A and B differ in" });
    const names = [...new Set(list.map(each => each.name))].filter(name => !ARRIVING.includes(name)), { differ } = this.story;
    if (differ.length !== 1) select.append(element("option", { value: "" }, differ.map(knobName).join(", ") || "nothing"));
    select.append(...names.map(name => element("option", { value: name }, knobName(name))));
    select.value = differ.length === 1 ? differ[0] : "";
    select.addEventListener("change", () => this.compare(select.value));
    return element("label", { class: "mk-differ" }, "A and B differ in", select);
  }

  compare(name) {
    if (!name) return;
    const { a } = this.story.knobs, stops = this.model.get("stops")[name], at = stops.indexOf(a[name]);
    this.model.set("differ", [name]);
    this.ask({ ...this.story.knobs, b: { ...a, [name]: stops[at > 0 ? at - 1 : at + 1] } });
  }

  slider(knob) {
    const { name, mark = "" } = knob, output = element("output");
    const input = element("input", { type: "range", min: 0, max: knob.stops.length - 1, step: 1, "aria-label": `${knobName(name)}${mark}`,
      "data-knob": `${name}${mark}` });
    const words = knobNames(name).find(each => each.length <= KNOB_LETTERS);
    input.addEventListener("input", () => this.showStop(input, output, knob, knob.stops[input.value]));
    input.addEventListener("change", () => this.turn(knob, knob.stops[input.value]));
    this.inputs[`${name}${mark}`] = { input, output };
    return element("label", { class: "mk-knob", title: knobName(name) }, element("span", {}, element(isConfig(name) ? "code" : "i", {}, words), element("b", {}, mark)), output, input);
  }

  showKnob(knob) {
    const shown = this.inputs[`${knob.name}${knob.mark ?? ""}`];
    if (!shown) return;
    shown.input.value = knob.stops.indexOf(knob.value);
    this.showStop(shown.input, shown.output, knob, knob.value);
  }

  showStop(input, output, { name, stops }, value) {
    output.textContent = knobText(name, value);
    input.setAttribute("aria-valuetext", knobText(name, value));
    input.style.setProperty("--mk-part", `${100 * input.value / (stops.length - 1)}%`);
  }

  // A slider was released.
  turn({ name, sides }, value) {
    const knobs = { ...this.story.knobs };
    for (const side of sides) knobs[side] = { ...knobs[side], [name]: value };
    this.ask(knobs);
  }

  ask(knobs) {
    this.released = performance.now();
    if (!this.isLive) { this.takeStored(knobs); return; }
    this.model.set("knobs", knobs);
    this.model.save_changes();
  }

  takeStored(knobs) {
    const { cells, runs } = this.model.get("stored"), story = { ...this.story, knobs };
    for (const side in cells) {
      const run = runs[cells[side][`${knobs[side].linger_ms}/${knobs[side].batch_size}`]];
      if (!run) { this.released = 0; this.nowText.textContent = "A batch would be larger than buffer.memory."; this.showKnobs(); return; }
      story[side] = run;
    }
    this.model.set("story", story);
  }

  // ---- keys and pointer -----------------------------------------------------------------------------

  keys() {
    return {
      ArrowDown: () => this.walk(1), ArrowUp: () => this.walk(-1), a: () => this.jumpTo("a"), b: () => this.jumpTo("b"),
      Escape: () => this.choose(null), "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.zoom(Infinity),
      PageUp: () => this.slide(this.from - this.span / 2), PageDown: () => this.slide(this.from + this.span / 2),
    };
  }

  onKey(event) {
    if (event.target.matches("select, [data-knob]")) { // they have keys of their own, and the notebook shall not hear them
      event.stopPropagation();
      return;
    }
    super.onKey(event);
  }

  // Through A in time, then through B.
  walk(by) {
    const all = this.layout.sides.flatMap(side => side.batches.map(batch => ({ side, batch }))), now = this.selected;
    const at = all.findIndex(each => each.batch === now?.batch);
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length];
    if (next) this.goTo(next);
  }

  jumpTo(name) {
    const side = this.layout.sides.find(each => each.name === name), now = this.selected;
    const since = now?.batch.opened ?? 0, batch = side?.batches.find(each => each.opened >= since) ?? side?.batches.at(-1);
    if (batch) this.goTo({ side, batch });
  }

  // Choose a batch and bring it into view and into the past.
  goTo(chosen) {
    this.choose(chosen);
    const { batch } = chosen, over = Math.max(batch.over, batch.polled ?? 0);
    if (this.time < over) this.seek(Math.min(this.end, over / this.endUs * PLAY_MS + 1));
    if (batch.opened < this.from || over > this.from + this.span) this.slide(batch.opened - this.span * 0.2);
  }

  choose(chosen) {
    this.pointedAt = null;
    this.model.set("selected", chosen ? [chosen.side.name, chosen.batch.index] : []);
    this.model.save_changes();
    this.redraw();
  }

  point(chosen) {
    this.svg.style.cursor = chosen ? "pointer" : "";
    if (chosen?.batch === this.pointedAt?.batch) return;
    this.pointedAt = chosen;
    this.redraw();
  }

  // The batch below the pointer: by its row, and in the other lanes by what it has there.
  near(event) {
    const box = this.svg.getBoundingClientRect(), px = (event.clientX - box.left) / this.size, py = (event.clientY - box.top) / this.size;
    const { layout } = this, at = this.from + (px - layout.left) / ((layout.right - layout.left) / this.span), slack = this.span / (layout.right - layout.left) * 6;
    const side = layout.sides.find(each => py >= each.top && py < each.consumer + LANE_TALL + 4);
    if (!side || px < layout.left || px > layout.right) return null;
    const away = ({ opened, acked, left, over: ended, row, appended, polled, fetch, arrived, answered }) => {
      const off = (from, to) => Math.max(0, (from ?? Infinity) - at, at - (to ?? -Infinity));
      if (py < side.wire) return Math.floor((py - side.top - GAP - side.blocked) / side.tall) === row ? off(opened, ended) : Infinity;
      if (py < side.broker) return Math.min(off(left, arrived), off(answered, acked));
      if (py < side.broker + LANE_TALL) return fetch?.parked != null ? off(fetch.parked, fetch.answered) : off(appended, appended);
      return Math.min(off(fetch?.answered, polled), off(polled, polled));
    };
    let best = null, least = slack;
    for (const batch of side.batches) {
      const off = batch.opened <= this.time ? away(batch) : Infinity;
      if (off <= least) { least = off; best = { side, batch }; }
    }
    return best;
  }

  // ---- the window -----------------------------------------------------------------------------------

  zoom(factor) {
    const middle = this.selected?.batch.closed ?? Math.min(this.time, this.from + this.span / 2), span = Math.max(LEAST_SPAN, Math.min(this.endUs, this.span * factor));
    const part = Math.max(0, Math.min(1, (middle - this.from) / this.span));
    this.span = span;
    this.slide(middle - span * part);
  }

  slide(from) {
    this.from = Math.max(0, Math.min(this.endUs - this.span, from));
    this.redraw();
  }

  // The page turns when the playhead leaves it.
  keepInView() {
    const { time, from, span } = this;
    if (time === this.followed) return;
    this.followed = time;
    if (time < from || time > from + span) this.from = Math.max(0, Math.min(this.endUs - span, time - span * 0.1));
  }

  isMoving() { return false; }

  // ---- drawing ----------------------------------------------------------------------------------------

  layOut(width) { return layout(this.story, width); }

  paint() {
    this.keepInView();
    const { selected } = this, time = this.place >= this.end ? this.endUs : this.time;
    this.show(draw(this.layout, { time, from: this.from, to: this.from + this.span, selected, numbered: this.numbered }));
    this.clock.textContent = ms(Math.round(time));
    const { dataset } = this.root;
    dataset.moment = this.moment;
    dataset.selected = selected ? `${selected.side.name} ${selected.batch.index}` : "";
    dataset.from = Math.round(this.from);
    dataset.span = Math.round(this.span);
    const words = momentWords(this.story, this.layout.sides, time, this.endUs), said = selected ? batchWords(selected.side, selected.batch) : words;
    if (this.nowText.textContent !== said) this.nowText.textContent = said;
    this.range.setAttribute("aria-valuetext", words);
    if (this.labelled !== this.story) {
      this.labelled = this.story;
      this.svg.setAttribute("aria-label", inWords({ story: this.story }));
    }
  }

  // Above the track: when batches are acknowledged and polled.
  events() {
    const at = time => time / this.endUs * PLAY_MS;
    return this.layout.sides.flatMap(side => [...side.batches.map(batch => [at(batch.closed), "write"]), ...side.polls.map(poll => [at(poll.at), "read"])])
      .filter(([place]) => place <= PLAY_MS);
  }
}

const STORED_KNOBS = { linger_ms: 1, batch_size: 1 }; // the grid's (microscope.py)

function render({ model, el }) {
  const widget = new Microscope(model, el);
  return () => widget.remove();
}

export default { render };
