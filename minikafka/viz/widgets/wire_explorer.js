// The wire explorer: a frame as bytes beside its fields, what each version adds and takes away, and
// what a broker says when one byte is wrong.
//
//     00 00 00 87 00 00 00 0d │ size       135        a row for each byte's lie:  … … … × × × × ×
//     00 00 00 04 00 04 74 69 │ header                                            └ size ┘
//
// A piece is chosen by its path from the root. `still` is the picture without a browser; drawing.js
// to bytes.js stand in front of this file, and the bytes and the tree are theirs.

const STILL_ROWS = 26, STILL_BYTES = 8;
const CELL = 17, LIE_ROW = 46, PER_ROW = [64, 48, 40, 32, 24, 16];

// What can come of a lie: its sign, its colours, and what it means.
const KINDS = {
  same: ["=", "surface", "ink", "taken as if nothing were wrong"],
  differs: ["≠", "write-soft", "write-text", "answered, but to something else"],
  refused: ["!", "rule-soft", "rule-text", "refused by name"],
  checksum: ["Σ", "rule", "inv", "refused by the checksum"],
  closed: ["×", "lost-soft", "lost-text", "connection closed"],
  waits: ["…", "raised", "ink-2", "left waiting for more bytes"],
};

// The pieces that a map names: without pieces of their own, or a text with its length.
function units(tree) {
  const isText = piece => piece.pieces.every(each => ["length", "length + 1", "content"].includes(each.name));
  const found = [];
  const walk = piece => { if (isText(piece)) found.push(piece); else piece.pieces.forEach(walk); };
  walk(tree);
  return found.filter(piece => piece.end > piece.start);
}

// A cell for each byte with the sign of what its lie leads to, and below it the fields. `kinds` has
// a kind for each byte, null where nobody has asked yet.
function lieMap(picture, { tree, kinds, at = -1, top = 0 }) {
  const per = PER_ROW.find(count => count * CELL <= picture.width) ?? 16, size = picture.width / per;
  const xy = byte => [(byte % per) * size, top + Math.floor(byte / per) * LIE_ROW];
  for (let start = 0, end; start < kinds.length; start = end) { // cells of one kind in one line
    for (end = start + 1; end < kinds.length && kinds[end] === kinds[start] && end % per; end++);
    const [x, y] = xy(start), count = end - start, w = count * size - 1.5, kind = kinds[start];
    const [sign, ground, colour] = KINDS[kind] ?? ["", "surface", "ink"], each = [...Array(count).keys()];
    picture.rect(x + 0.5, y + 1, w, 21, { rx: 2, fill: ground, stroke: kind ? "edge" : "line" });
    if (kind === "waits") picture.hatch(x + 1.5, y + 2, w - 2, 19, "edge");
    const between = each.slice(1).flatMap(i => ["M", x + i * size, y + 1, "V", y + 22]);
    if (count > 1) picture.path(between, { stroke: ground === "rule" ? "surface" : kind ? "edge" : "line" });
    const centres = each.map(i => rounded(x + (i + 0.5) * size - 0.2)).join(" ");
    if (kind) picture.text(centres, y + 16, sign.repeat(count), colour, 13, { bold: 1, text_anchor: "middle", halo: kind === "waits" ? ground : null });
  }
  if (at >= 0 && at < kinds.length) {
    const [x, y] = xy(at);
    picture.rect(x - 0.5, y, size + 0.5, 23, { rx: 3, fill: "none", stroke: "ink", stroke_width: 2.2 });
  }
  for (const piece of units(tree))
    for (let start = piece.start; start < Math.min(piece.end, kinds.length);) {
      const end = Math.min(piece.end, kinds.length, (Math.floor(start / per) + 1) * per), [x, y] = xy(start);
      const w = (end - start) * size;
      picture.line(x + 1.5, y + 26, x + w - 2, y + 26, { stroke: "edge" });
      const name = fitting([piece.name, ...(SHORT[piece.name] ?? [])], w - 1, 11);
      picture.text(x + w / 2, y + 38, name, "ink-2", 11, { text_anchor: "middle" });
      start = end;
    }
  picture.height = top + Math.ceil(kinds.length / per) * LIE_ROW;
  picture.per = per;
  picture.cell = size;
}

const SHORT = {
  request_api_key: ["api"], request_api_version: ["ver."], correlation_id: ["corr. id"], client_id: ["client"],
  timeout_ms: ["timeout"], transactional_id: ["txn"], batch_length: ["length"], partition_leader_epoch: ["epoch"],
  attributes: ["attr."], last_offset_delta: ["last"], base_timestamp: ["base time", "time"], max_timestamp: ["max time", "time"],
  producer_id: ["pid"], producer_epoch: ["ep."], base_sequence: ["sequence", "seq."], record_count: ["records"], partition_data: ["data"],
};

const kindsOf = (asked, lie) => asked.lies[lie].answers.map(number => asked.answers[number].kind);
const countsOf = kinds => Object.keys(KINDS).map(kind => [kind, kinds.filter(each => each === kind).length]).filter(([, count]) => count);

// ---- without a browser -------------------------------------------------------------------------

export function still({ frame, width, selected = [], asked = null, lie = "" }) {
  if (asked) return stillMap(frame, width, asked, lie);
  const picture = new Picture(width), size = frame.hex.length / 2, all = treeRows(frame.tree);
  const chosen = all.find(row => row.path.join() === selected.join())?.piece;
  const line = 17, split = Math.min(330, width * 0.46), tall = Math.ceil(size / STILL_BYTES);
  picture.text(0, 12, frame.tree.name, "ink", 14, { bold: 1 });
  picture.text(width, 12, plural(size, "byte"), "ink-3", 11, { text_anchor: "end" });
  for (let row = 0; row < Math.min(tall, STILL_ROWS); row++) {
    const y = 38 + row * line, at = row * STILL_BYTES;
    picture.text(0, y, hexPlace(at), "ink-3", 11);
    const bytes = frame.hex.slice(2 * at, 2 * (at + STILL_BYTES)).match(/../g);
    bytes.forEach((byte, i) => {
      const x = 44 + i * 25, isIn = chosen && at + i >= chosen.start && at + i < chosen.end;
      if (isIn) picture.rect(x - 3, y - 11, 24, 14, { fill: "commit-soft" });
      picture.text(x, y, byte, byte === "00" ? "ink-3" : "ink", 11);
    });
    picture.text(44 + STILL_BYTES * 25 + 8, y, bytes.map(letter).join(""), "ink-2", 11);
  }
  if (tall > STILL_ROWS) picture.text(44, 38 + STILL_ROWS * line, `… ${size - STILL_ROWS * STILL_BYTES} bytes more`, "ink-3", 11);
  all.slice(0, STILL_ROWS).forEach(({ piece, depth }, i) => {
    const y = 38 + i * line, x = split + depth * 12;
    if (piece === chosen) picture.rect(split - 4, y - 12, width - split + 4, 16, { rx: 2, fill: "commit-soft", stroke: "commit" });
    picture.text(x, y, piece.name, piece.pieces.length ? "ink" : "ink-2", 11);
    const used = x + textWidth(piece.name, 11) + 10, at = Math.max(used, split + 190);
    let words = piece.value;
    while (words && textWidth(words, 11) > width - at) words = words.slice(0, -2) + (words.length > 2 ? "…" : "");
    picture.text(at, y, words, "ink", 11, { bold: 1 });
  });
  if (all.length > STILL_ROWS) picture.text(split, 38 + STILL_ROWS * line, `… ${all.length - STILL_ROWS} pieces more`, "ink-3", 11);
  picture.height = 38 + Math.min(STILL_ROWS + 0.3, Math.max(tall, all.length)) * line;
  const label = `${frame.tree.name}: ${plural(size, "byte")} in ${plural(all.length, "piece")}.`;
  return { width, height: picture.height, shapes: picture.shapes, anchors: {}, label };
}

// What there is to see is the map then; the bytes would only be in its way.
function stillMap(frame, width, asked, lie) {
  const picture = new Picture(width), kinds = kindsOf(asked, lie), counts = countsOf(kinds);
  picture.text(0, 12, `${frame.tree.name}, one byte wrong (${lie})`, "ink", 14, { bold: 1 });
  picture.text(width, 12, plural(frame.hex.length / 2, "byte"), "ink-3", 11, { text_anchor: "end" });
  lieMap(picture, { tree: frame.tree, kinds, top: 24 });
  let x = 0, y = picture.height + 14;
  for (const [kind, count] of counts) {
    const words = `${count} ${KINDS[kind][3]}`, wide = textWidth(words, 11) + 36;
    if (x + wide > width) { x = 0; y += 20; }
    lieSign(picture, x, y - 11, kind);
    picture.text(x + 20, y, words, "ink-2", 11);
    x += wide;
  }
  const words = counts.map(([kind, count]) => `${count} ${KINDS[kind][3]}`).join(", ");
  return { width, height: y + 8, shapes: picture.shapes, anchors: {}, label: `${frame.tree.name}, one byte wrong (${lie}): ${words}.` };
}

function lieSign(picture, x, y, kind) {
  const [sign, ground, colour] = KINDS[kind];
  picture.rect(x + 0.5, y, 15, 15, { rx: 2, fill: ground, stroke: "edge" });
  if (kind === "waits") picture.hatch(x + 1.5, y + 1, 13, 13, "edge");
  picture.text(x + 8, y + 12, sign, colour, 12, { bold: 1, text_anchor: "middle", halo: kind === "waits" ? ground : null });
}

// ---- the widget --------------------------------------------------------------------------------

const WATCHED = ["version", "selected", "lies", "lie", "revealed"];

class WireExplorer {
  constructor(model, root) {
    this.model = model;
    this.frames = model.get("frames");
    this.known = new Set(); // bytes whose lie the reader has told
    this.build(root);
    this.show();
    this.onModel = () => this.show();
    for (const name of WATCHED) model.on(`change:${name}`, this.onModel);
  }

  remove() {
    this.view.remove();
    this.observer.disconnect();
    for (const name of WATCHED) this.model.off(`change:${name}`, this.onModel);
  }

  get frame() { return this.frames.find(frame => frame.version === this.model.get("version")) ?? this.frames[0]; }

  build(root) {
    this.view = new BytesAndFields(() => this.moved());
    this.now = element("p", { class: "mk-now", "aria-live": "polite" });
    this.versions = element("div", { class: "mk-versions" });
    this.view.dress = at => this.lieAt(at);
    this.root = chrome(this.model, "mk-wire", this.buildKeys(), this.versions, this.view.node, this.now, this.buildLies());
    this.root.addEventListener("keydown", event => this.onKey(event));
    root.append(this.root);
    this.observer = new ResizeObserver(() => this.showLies());
    this.observer.observe(this.mapBox);
  }

  buildLies() {
    this.map = document.createElementNS(SVG, "svg");
    this.map.setAttribute("role", "img");
    this.mapBox = element("div", { class: "mk-map" }, this.map);
    this.map.addEventListener("click", event => this.tell(this.mapByte(event)));
    this.answer = element("div", { class: "mk-answer", "aria-live": "polite" });
    this.counts = element("div", { class: "mk-counts" });
    this.masks = ["lowest bit", "all bits"].map(lie => button(lie, () => this.set("lie", lie), { "data-lie": lie }));
    this.corrupt = button(["Corrupt this byte ", kbd("C")], () => this.tell(this.view.byte));
    this.every = button(["Corrupt every byte ", kbd("A")], () => this.set("revealed", !this.model.get("revealed")));
    this.liesBox = element("div", { class: "mk-lies" },
      element("div", { class: "mk-tools" }, element("h3", {}, "One wrong byte"),
        element("div", { class: "mk-choice", role: "group", "aria-label": "What is changed" }, ...this.masks), this.corrupt, this.every),
      element("div", { class: "mk-verdict" }, element("div", {}, this.mapBox, this.counts), this.answer));
    return this.liesBox;
  }

  buildKeys() {
    return ["point at a byte or a field, click to hold it · ", kbd("↑ ↓"), " fields (in the bytes: lines) · ", kbd("← →"),
      " bytes", ...(this.frames.length > 1 ? [" · ", kbd("V"), " newer version, ", kbd("⇧ V"), " older"] : []),
      ...(Object.keys(this.model.get("lies")).length ? [" · ", kbd("C"), " corrupts the byte, ", kbd("A"), " each in turn, ", kbd("L"), " another lie"] : [])];
  }

  show() {
    const frame = this.frame;
    if (this.shown !== frame) {
      this.shown = frame;
      const before = this.frames[this.frames.indexOf(frame) - 1];
      this.view.show(frame, before?.tree);
      this.showVersions(frame, before);
      this.root.dataset.version = frame.version;
    }
    const wanted = this.model.get("selected").join();
    const row = wanted ? this.view.rows.findIndex(each => each.path?.join() === wanted) : -1;
    if (row < 0 ? this.view.row !== null : row !== this.view.row)
      this.view.choose(row < 0 ? -1 : this.view.firstByte(row), row < 0 ? null : row);
    this.say();
    this.showLies();
  }

  // ---- lies ----

  get asked() { return this.model.get("lies")[this.frame.version]; }
  get lie() { return this.model.get("lie"); }
  isKnown(byte) { return this.model.get("revealed") || this.known.has(byte); }

  // What was said to the lie about this byte; undefined while nobody has told it.
  answerTo(byte) {
    const number = this.isKnown(byte) ? this.asked?.lies[this.lie].answers[byte] : undefined;
    return number === undefined ? undefined : this.asked.answers[number];
  }

  wrong(byte) {
    return hexPlace(parseInt(byteAt(this.frame.hex, byte), 16) ^ this.asked.lies[this.lie].mask, 2);
  }

  // The byte under the cursor is shown as it was sent: wrong.
  lieAt(byte) {
    return byte === this.view.byte && this.answerTo(byte) ? { byte: this.wrong(byte), title: `was ${byteAt(this.frame.hex, byte)}` } : null;
  }

  tell(byte) {
    if (!this.asked || !(byte >= 0)) return;
    this.known.add(byte);
    this.view.toByte(byte);
    const { per, k } = this.drawn;
    scrollInto(this.mapBox, Math.floor(byte / per) * LIE_ROW * k, LIE_ROW * k);
  }

  mapByte(event) {
    const { per, cell, k } = this.drawn, [x, y] = pointIn(this.map, k, event);
    return Math.floor(y / LIE_ROW) * per + Math.floor(x / cell);
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
    this.show();
  }

  showLies() {
    const { asked } = this, any = Object.keys(this.model.get("lies")).length > 0;
    this.liesBox.hidden = !any;
    if (!any) return;
    this.masks.forEach(node => node.setAttribute("aria-pressed", `${node.dataset.lie === this.lie}`));
    this.every.setAttribute("aria-pressed", `${this.model.get("revealed")}`);
    this.corrupt.setAttribute("aria-disabled", `${!asked || this.view.byte < 0}`);
    this.every.setAttribute("aria-disabled", `${!asked}`);
    const k = enlarged(this.root);
    const width = (this.mapBox.clientWidth || 800) / k, picture = new Picture(width), at = (this.view.pointed ?? this.view).byte;
    const kinds = asked ? kindsOf(asked, this.lie).map((kind, byte) => this.isKnown(byte) ? kind : null) : [];
    if (asked) lieMap(picture, { tree: this.frame.tree, kinds, at });
    this.drawn = { per: picture.per, cell: picture.cell, k };
    sizeTo(this.map, width, picture.height, k);
    patch(this.map, picture.shapes);
    const counts = countsOf(kinds), words = counts.map(([kind, count]) => `${count} ${KINDS[kind][3]}`);
    this.map.setAttribute("aria-label", `What comes of one wrong byte: ${words.join(", ") || "not asked yet"}.`);
    this.counts.replaceChildren(...counts.map(([kind, count]) => element("span", {},
      glyph(16, 16, p => lieSign(p, 0, 0.5, kind)), element("b", {}, `${count}`), ` ${KINDS[kind][3]}`)));
    this.showAnswer(at);
    if (this.view.dressed !== this.dressKey()) { this.view.dressed = this.dressKey(); this.view.redraw(); }
  }

  dressKey() { return `${this.view.byte}/${this.lie}/${this.isKnown(this.view.byte)}`; }

  showAnswer(at) {
    const { asked } = this;
    if (!asked) return this.answer.replaceChildren(element("p", {}, `Nobody has asked in version ${this.frame.version}. `,
      `There are answers for ${Object.keys(this.model.get("lies")).map(version => `v${version}`).join(", ")}.`));
    const wrote = ends => ends.map(([name, before, after]) => `${name} ended at ${before} and ends at ${after}`).join(", ");
    if (at < 0) return this.answer.replaceChildren(
      element("p", {}, element("b", {}, "Choose a byte."), " What will a broker say when it is wrong?"),
      element("p", {}, `As it is, the broker ${asked.honest.title}. `, asked.honest.ends.length ? `Written: ${wrote(asked.honest.ends)}.` : "Nothing is written."));
    const unit = units(this.frame.tree).find(piece => piece.start <= at && at < piece.end), was = byteAt(this.frame.hex, at);
    const where = element("small", {}, `byte ${hexPlace(at)}, in ${unit?.name ?? "no field"}`);
    const answer = this.answerTo(at);
    if (at >= asked.lies[this.lie].answers.length)
      return this.answer.replaceChildren(where, element("p", {}, `Asked were the first ${asked.lies[this.lie].answers.length} bytes.`));
    if (!answer) return this.answer.replaceChildren(element("div", { class: "mk-change" }, element("code", {}, `${was} → ?`), where),
      element("p", {}, "Will it be taken, refused by name, or is the connection closed? Press ", kbd("C"), "."));
    const stays = asked.ends.filter(([name]) => !name.startsWith("the ")).slice(0, 2).map(([name, end]) => `${name} still ends at ${end}`);
    const written = answer.ends.length ? `Written: ${wrote(answer.ends)}.` : `Nothing is written${stays.length ? `: ${stays.join(", ")}` : ""}.`;
    this.answer.replaceChildren(
      element("div", { class: "mk-change" }, element("code", {}, `${was} → ${this.wrong(at)}`), where),
      element("h4", { "data-kind": answer.kind }, glyph(16, 16, p => lieSign(p, 0, 0.5, answer.kind)), answer.title),
      ...(answer.why ? [element("p", {}, answer.why)] : []),
      ...(answer.changes.length ? [element("div", { class: "mk-changes" }, ...answer.changes.flatMap(([name, from, to]) =>
        [element("span", {}, name), element("b", {}, element("s", {}, from), " ", to)]))] : []),
      element("p", { class: "mk-written" }, written));
  }

  showVersions(frame, before) {
    this.versions.hidden = this.frames.length < 2;
    const buttons = this.frames.map(each =>
      button(`v${each.version}`, () => this.set("version", each.version), { "aria-pressed": `${each === frame}` }));
    const focused = this.versions.contains(document.activeElement);
    this.versions.replaceChildren("Version", element("div", {}, ...buttons),
      element("p", {}, ...withCode(this.versionSentence(frame, before))));
    if (focused) buttons[this.frames.indexOf(frame)].focus();
  }

  // What a version adds to the one before it, and what it takes away.
  versionSentence(frame, before) {
    if (!before) return "the oldest one that can say this";
    const named = change => [...new Set(this.view.rows.filter(row => row.change === change).map(row => `\`${row.piece.name}\``))];
    const added = named("new"), gone = named("gone"), grown = frame.tree.end - before.tree.end;
    const shorter = this.view.rows.filter(row => row.change < 0).length;
    const size = grown ? `${plural(Math.abs(grown), "byte")} ${grown > 0 ? "longer" : "shorter"} than` : "as long as";
    const what = [added.length ? `adds ${added.join(", ")}` : "", gone.length ? `drops ${gone.join(", ")}` : "",
      shorter ? `writes ${plural(shorter, "length")} shorter` : ""].filter(Boolean);
    return `${size} v${before.version}: ${what.join(", ") || "the same fields, another meaning or only a promise"}`;
  }

  // The reader pointed at something or chose it.
  moved() {
    const { row } = this.view, path = row === null ? [] : this.view.rows[row].path;
    if (path.join() !== this.model.get("selected").join()) {
      this.model.set("selected", path);
      this.model.save_changes();
    }
    this.say();
    this.showLies();
  }

  say() {
    const piece = this.view.piece;
    this.root.dataset.row = (this.view.pointed ?? this.view).row ?? "";
    this.now.textContent = piece ? pieceSentence(piece)
      : `${this.frame.tree.name}: ${plural(this.view.size, "byte")} in ${plural(this.view.rows.filter(row => row.path).length, "piece")}.`;
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.frames.indexOf(this.frame), newer = by => this.frames[at + by] && this.set("version", this.frames[at + by].version);
    const other = this.masks.find(node => node.dataset.lie !== this.lie).dataset.lie;
    const act = { v: () => newer(1), V: () => newer(-1), ...(this.asked && {
      c: () => this.tell(this.view.byte), a: () => this.set("revealed", !this.model.get("revealed")), l: () => this.set("lie", other) }),
    }[event.key];
    if (!act) return this.view.onKey(event);
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

function render({ model, el }) {
  const widget = new WireExplorer(model, el);
  return () => widget.remove();
}

export default { render };
