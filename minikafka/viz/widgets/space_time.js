// The space-time diagram as a widget: plays the story, filters it, and takes a message to pieces.
//
//     space_time.story.js ─► space_time.plan.js ─► space_time.picture.js ─► here, beside space_time.side.js
//
// The picture shows a window of the run. It stands still while the playhead crosses it and then turns
// like a page; the reader moves it in the small picture of the whole run, or with the keys.

const GLIDE_MS = 240, NEAR_PX = 12, AHEAD = 0.12, GRIP_PX = 7;

function instants(story) {
  const found = new Set([0, story.end]);
  for (const message of story.messages) found.add(message.sent).add(message.arrived);
  for (const mark of story.marks) found.add(mark.at);
  for (const wait of story.waits) found.add(wait.since).add(wait.until);
  return [...found].filter(time => time >= 0 && time <= story.end).sort((a, b) => a - b);
}

// The pieces of a packed frame (viz/frames.py) as a tree.
function unpacked({ layout, hex, spans, values }, layouts) {
  const above = [];
  layouts[layout].forEach(([name, depth, form], i) => {
    const piece = { name, form, start: spans[2 * i], end: spans[2 * i + 1], value: values[i], pieces: [] };
    above[depth - 1]?.pieces.push(piece);
    above[depth] = piece;
  });
  return { hex, tree: above[0] };
}

class SpaceTime extends Player {
  constructor(model, root) {
    const story = model.get("story");
    super(model, instants(story));
    this.story = story;
    story.messages.forEach((message, index) => { message.index = index; });
    this.shown = shownOf(story, this.hidden);
    this.span = stretch(story, this.shown);
    this.from = wholeOf(story) - this.span;
    this.pointedAt = -1;
    this.build(root);
    this.onChosen = () => this.redraw();
    this.onHidden = () => { this.showFilters(); this.filter(); };
    model.on("change:selected", this.onChosen);
    for (const name of ["hidden_kinds", "hidden_nodes", "only_linked"]) model.on(`change:${name}`, this.onHidden);
    this.begin();
  }

  remove() {
    super.remove();
    this.bytes.remove();
    this.model.off("change:selected", this.onChosen);
    for (const name of ["hidden_kinds", "hidden_nodes", "only_linked"]) this.model.off(`change:${name}`, this.onHidden);
  }

  get hidden() { return { kinds: this.model.get("hidden_kinds"), nodes: this.model.get("hidden_nodes") }; }
  get selected() { return this.pointedAt >= 0 ? this.pointedAt : this.model.get("selected"); }

  // ---- parts -----------------------------------------------------------------------------------

  build(root) {
    this.buildPicture();
    this.side = element("aside", { class: "mk-side" });
    this.nowText = element("span");
    this.now = element("p", { class: "mk-now", "aria-live": "polite" }, this.nowText);
    this.bytes = new BytesAndFields(() => this.sayPiece());
    this.detail = element("div", { class: "mk-detail", hidden: "" });
    this.root = chrome(this.model, "mk-space-time", this.buildKeys(),
      element("div", { class: "mk-body" }, this.figure, this.side), this.buildFilters(), this.now, this.detail, this.buildBar());
    this.root.addEventListener("keydown", event => this.onKey(event));
    this.svg.addEventListener("pointermove", event => this.point(this.near(event), this.isInOverview(event)));
    this.svg.addEventListener("pointerleave", () => this.point(-1));
    this.svg.addEventListener("click", event => this.onClick(event));
    this.svg.addEventListener("pointerdown", event => this.onDrag(event));
    root.append(this.root);
  }

  buildKeys() {
    return [kbd("space"), " plays, ", kbd("← →"), " step, ", kbd("↑ ↓"), " walk the messages (then ", kbd("Tab"), " too), ",
      kbd("C"), " to the cause, ", kbd("E"), " to the effect, ", kbd("Enter"), " bytes, ", kbd("+ − 0"), " zoom, ",
      kbd("PgUp PgDn"), " move the window · bold led to the selection, dashed follows from it"];
  }

  buildFilters() {
    this.boxes = [];
    const box = (words, tail, trait, values, title) => {
      const input = element("input", { type: "checkbox" });
      input.addEventListener("change", () => this.toggleHidden(trait, values, !input.checked));
      this.boxes.push({ input, trait, values });
      return element("label", { title }, input, element("span", {}, ...words), element("small", {}, tail));
    };
    const swatch = idea => element("i", { class: `mk-swatch mk-${idea}`, "aria-hidden": "true" });
    const kinds = kindsOf(this.story).map(kind => box([swatch(kind.idea), kind.name], `${kind.count} · ${sizeText(kind.bytes)}`,
      "hidden_kinds", kind.apis, kind.name === "chatter" ? `How clients find their way: ${kind.apis.join(", ")}` : null));
    const nodes = this.story.lanes.map(({ name }) => box([name], "", "hidden_nodes", [name], null));
    this.linkedBox = element("input", { type: "checkbox" });
    this.linkedBox.addEventListener("change", () => this.tellTrait("only_linked", this.linkedBox.checked));
    const group = (name, ...parts) => element("div", { role: "group", "aria-label": name }, element("h3", {}, name), element("div", {}, ...parts));
    const filters = element("div", { class: "mk-filters" }, group("Messages", ...kinds), group("Nodes", ...nodes),
      group("Show", element("label", {}, this.linkedBox, element("span", {}, "only what is linked")),
        button("−", () => this.zoom(2), { label: "Zoom out" }), button("+", () => this.zoom(0.5), { label: "Zoom in" }),
        button("all", () => this.zoom(Infinity), { label: "Show the whole run" })));
    this.showFilters();
    return filters;
  }

  showFilters() {
    for (const { input, trait, values } of this.boxes)
      input.checked = !values.every(value => this.model.get(trait).includes(value));
    this.linkedBox.checked = this.model.get("only_linked");
  }

  toggleHidden(trait, values, isHidden) {
    const others = this.model.get(trait).filter(value => !values.includes(value));
    this.tellTrait(trait, isHidden ? [...others, ...values] : others);
  }

  tellTrait(trait, value) {
    this.model.set(trait, value);
    this.model.save_changes();
  }

  filter() {
    this.shown = shownOf(this.story, this.hidden);
    if (this.selected >= 0 && !this.shown.messages.includes(this.story.messages[this.selected])) this.choose(-1);
    this.replan();
    this.drawTicks();
  }

  // ---- keys and pointer --------------------------------------------------------------------------

  keys() {
    return {
      ArrowDown: () => this.walk(1), ArrowUp: () => this.walk(-1), c: () => this.follow("earlier"), e: () => this.follow("later"),
      Enter: () => this.showDetail(this.detail.hidden), Escape: () => this.choose(-1),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.zoom(Infinity),
      PageUp: () => this.slide(this.from - this.span / 2), PageDown: () => this.slide(this.from + this.span / 2),
    };
  }

  // Tab walks the messages once there is a selection, and leaves the picture at either end.
  onKey(event) {
    const isTab = event.key === "Tab" && event.target === this.root && this.model.get("selected") >= 0;
    if (isTab && this.walk(event.shiftKey ? -1 : 1)) event.preventDefault();
    else if (event.target.type === "checkbox" && event.key === " ") return;
    else if (event.target.tagName === "BUTTON" && event.key === "Enter") return;
    else super.onKey(event);
  }

  // To the next message that is shown; says whether there was one.
  walk(by) {
    const { messages } = this.shown, now = this.model.get("selected");
    const at = messages.findIndex(message => message.index === now), next = at < 0 ? (by > 0 ? 0 : messages.length - 1) : at + by;
    if (!messages[next]) return false;
    this.goTo(messages[next]);
    return true;
  }

  // To the last message that led to the selected one, or to the first that followed.
  follow(side) {
    const steps = (this.focus?.[side] ?? []).filter(({ thing }) => thing.sent !== undefined);
    const step = side === "earlier" ? steps.at(-1) : steps[0];
    if (step) this.goTo(step.thing);
  }

  // Choose a message and bring it into view, and into the past.
  goTo(message) {
    this.choose(message.index);
    const over = Math.max(message.sent, message.arrived), { from, to } = this.view();
    if (message.sent > this.time || (this.time < this.story.end && over > this.time)) this.go(placeAfter(this.times, over) - 1);
    if (message.sent < from || over > to) this.slide(message.sent - this.span * 0.3, true);
  }

  onClick(event) {
    if (this.dragged) { this.dragged = false; return; }
    const index = this.near(event);
    const isIn = this.layout.bundles && index < 0 && this.at(event)[1] > this.layout.top;
    if (isIn) this.zoom(0.25, this.timeAt(event));
    else { this.choose(index); if (index >= 0) this.showDetail(true); }
  }

  // Drag the window of the small picture, or an edge of it; elsewhere there it comes to the pointer.
  onDrag(event) {
    if (!this.isInOverview(event) || event.button || !event.isPrimary) return;
    const { overview } = this.layout, [px] = this.at(event);
    event.preventDefault();
    this.root.focus({ preventScroll: true });
    const time = (px - LEFT) / overview.scale, { from, span } = this, to = from + span, near = GRIP_PX / overview.scale;
    const grip = Math.abs(time - to) < near ? "to" : Math.abs(time - from) < near ? "from" : "";
    const start = time < from - near || time > to + near ? time - span / 2 : from;
    const move = each => {
      const now = time + (this.at(each)[0] - px) / overview.scale;
      if (grip) this.spanTo(grip === "to" ? from : Math.min(now, to - 20), grip === "to" ? Math.max(now, from + 20) : to);
      else this.slide(start + now - time);
    };
    const ends = ["pointerup", "pointercancel"]; // a finger may go on to scroll the page
    const stop = ({ type }) => {
      this.svg.removeEventListener("pointermove", move);
      for (const kind of ends) this.svg.removeEventListener(kind, stop);
      if (type === "pointercancel") this.spanTo(from, to);
      this.dragged = type === "pointerup"; // then a click follows
    };
    this.svg.setPointerCapture(event.pointerId);
    this.svg.addEventListener("pointermove", move);
    for (const kind of ends) this.svg.addEventListener(kind, stop);
    if (!grip) this.slide(start);
  }

  at(event) { return pointIn(this.svg, this.size, event); }

  timeAt(event) { return this.from + (this.at(event)[0] - LEFT) / this.layout.scale; }

  // The message whose line is nearest to the pointer; -1 if none is near.
  near(event) {
    const [px, py] = this.at(event), { layout } = this, view = this.view(), shift = LEFT - view.from * layout.scale;
    const linked = layout.bundles ? new Set(this.focus ? [...this.focus.earlier, ...this.focus.later].map(step => step.thing) : []) : null;
    let best = -1, least = NEAR_PX;
    for (const { message, t0, x0, x1, y0, y1 } of arrowsIn(layout, view)) {
      const p = (py - y0) / (y1 - y0 || 1);
      if (t0 > view.time || p < -0.05 || p > 1.05 || (linked && !linked.has(message) && message.arrived !== LOST)) continue;
      const away = Math.abs(px - shift - (x0 + (x1 - x0) * p));
      if (away < least) { least = away; best = message.index; }
    }
    return best;
  }

  choose(index) {
    this.pointedAt = -1;
    this.tellTrait("selected", index);
    this.showDetail(index >= 0 && !this.detail.hidden);
    this.redraw();
  }

  point(index, isInOverview = false) {
    this.svg.style.cursor = isInOverview ? "ew-resize" : index >= 0 ? "pointer" : "";
    if (index === this.pointedAt) return;
    this.pointedAt = index;
    this.redraw();
  }

  isInOverview(event) {
    const [px, py] = this.at(event);
    return Boolean(this.layout?.overview) && py <= this.layout.overview.bottom && px >= LEFT - GRIP_PX;
  }

  // ---- the window ------------------------------------------------------------------------------

  zoom(factor, around = Math.max(this.from, Math.min(this.time, this.from + this.span))) {
    const whole = wholeOf(this.story), span = Math.max(20, Math.min(whole, this.span * factor));
    const part = (around - this.from) / this.span;
    this.spanTo(around - span * part, around - span * part + span);
  }

  spanTo(from, to) {
    this.span = Math.max(20, Math.min(wholeOf(this.story), to - from));
    this.from = windowAt(this.story, this.span, from).from;
    this.glide = null;
    this.replan();
  }

  replan() {
    if (!this.layout) return;
    this.layout = this.layOut(this.layout.width);
    this.sideShown = "";
    this.redraw();
  }

  // Move the window. What lies in it shall have happened.
  slide(from, isGliding = false) {
    const { from: next, to } = windowAt(this.story, this.span, from);
    this.glide = isGliding && !this.calm.matches ? { from: this.shownFrom ?? this.from, began: null } : null;
    this.from = next;
    if (this.time < next) this.go(placeAfter(this.times, to) - 1);
    this.redraw();
  }

  // The page turns when the playhead leaves it, and only then.
  keepInView() {
    const { time, from, span } = this, most = span * (this.playing ? 1 - AHEAD / 2 : 1);
    if (time === this.followed) return;
    this.followed = time;
    const isLast = from + span >= wholeOf(this.story);
    if (time >= from - 1 && (isLast || time <= from + most + 1)) return;
    this.glide = this.jump ? null : { from, began: null };
    this.from = windowAt(this.story, span, time - span * (time < from ? 1 - AHEAD : AHEAD)).from;
  }

  isMoving() { return Boolean(this.glide); }

  glided(now, jump) {
    if (!this.glide || jump) { this.glide = null; return this.from; }
    this.glide.began ??= now;
    const p = Math.min(1, (now - this.glide.began) / GLIDE_MS), start = this.glide.from;
    if (p >= 1) this.glide = null;
    return start + (this.from - start) * ease(p);
  }

  // ---- drawing ---------------------------------------------------------------------------------

  layOut(width) { return plan(this.story, this.shown, width, this.span); }

  view(from = this.from) {
    return { time: this.time, from, to: from + this.span, focus: this.focus, onlyLinked: this.model.get("only_linked") };
  }

  paint(now, jump) {
    const { selected } = this;
    if (this.focusedOn !== selected || this.focusedIn !== this.shown) {
      this.focusedOn = selected;
      this.focusedIn = this.shown;
      this.focus = focusOf(this.story, this.shown, selected);
    }
    this.keepInView();
    this.shownFrom = this.glided(now, jump);
    this.show(draw(this.layout, this.view(this.shownFrom)));
    this.root.dataset.selected = selected;
    this.root.dataset.from = Math.round(this.from);
    this.clock.textContent = timeText(Math.round(this.time));
    this.say();
    this.showSide(selected);
  }

  // Words need not change with every frame.
  say() {
    const { moment, from, span } = this, key = `${moment} ${from} ${span}`, words = describe(this.story, this.shown, this.times[moment]);
    if (this.said === key && this.nowText.textContent === words) return;
    this.said = key;
    const part = this.layout.overview ? ` In view: ${timeText(Math.round(from))} to ${timeText(Math.round(from + span))}.` : "";
    this.root.dataset.moment = moment;
    this.svg.setAttribute("aria-label", words + part);
    this.range.setAttribute("aria-valuetext", words);
    this.nowText.textContent = words;
  }

  events() {
    const places = new Map(this.times.map((time, i) => [time, this.places[i]]));
    const crashes = this.shown.marks.filter(mark => mark.kind === "crashed").map(mark => [places.get(mark.at), "lost"]);
    return [...crashes, ...this.shown.messages.filter(message => message.sent >= 0)
      .map(message => [places.get(message.sent), message.arrived === LOST ? "lost" : message.idea])];
  }

  showSide(selected) {
    const key = `${selected} ${this.layout.width}`;
    if (this.sideShown === key) return;
    this.sideShown = key;
    this.side.replaceChildren(...sideOf(this.story, this.shown, this.focus, this.model.get("look_for")));
    if (!this.detail.hidden) this.showDetail(true);
  }

  // ---- the selected message, decoded and as bytes ------------------------------------------------

  showDetail(open) {
    const message = this.story.messages[this.selected];
    this.detail.hidden = !(open && message);
    if (this.detail.hidden || this.detailed === message) return;
    this.detailed = message;
    const head = element("h3", {}, `${message.head} · ${thousands(message.size_bytes)} bytes`);
    this.piece = element("p", { class: "mk-piece-now", "aria-live": "polite" });
    if (message.frame) {
      this.detail.replaceChildren(head, this.piece, this.bytes.node);
      this.bytes.show(unpacked(message.frame, this.story.layouts));
      this.sayPiece();
    } else this.detail.replaceChildren(head, element("p", { class: "mk-piece-now" }, this.whyNoBytes(message)), this.fields(message.body));
  }

  sayPiece() {
    this.piece.textContent = this.bytes.piece ? pieceSentence(this.bytes.piece) : "Point at a field or a byte; arrow keys walk them.";
  }

  whyNoBytes({ size_bytes }) {
    const most = this.story.most_bytes;
    return size_bytes > most ? `Its bytes were left out: they are more than ${thousands(most)}. The wire explorer shows them.`
      : "Its bytes were left out: this story has too many messages to carry them all. A narrower window of time has them.";
  }

  fields(body) {
    const lines = [], walk = (name, value, depth) => {
      const isGroup = value !== null && typeof value === "object", count = Array.isArray(value) ? value.length || "empty" : "";
      lines.push(["  ".repeat(depth) + name, isGroup ? `${count}` : `${value}`]);
      if (isGroup) for (const key in value) walk(Array.isArray(value) ? `[${key}]` : key, value[key], depth + 1);
    };
    for (const key in body) walk(key, body[key], 0);
    return element("div", { class: "mk-fields" }, ...lines.slice(0, 200).map(([name, value]) =>
      element("div", {}, element("span", {}, name), element("b", {}, value))));
  }
}

function render({ model, el }) {
  const widget = new SpaceTime(model, el);
  return () => widget.remove();
}

export default { render };
