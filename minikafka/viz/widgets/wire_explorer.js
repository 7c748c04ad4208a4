// The wire explorer: a frame as bytes beside its fields, and what each version adds and takes away.
//
// A piece is chosen by its path from the root. `still` is the picture without a browser; drawing.js
// to bytes.js stand in front of this file, and the bytes and the tree are theirs.

const STILL_ROWS = 26, STILL_BYTES = 8;

// ---- without a browser -------------------------------------------------------------------------

export function still({ frame, width, selected = [] }) {
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

// ---- the widget --------------------------------------------------------------------------------

class WireExplorer {
  constructor(model, root) {
    this.model = model;
    this.frames = model.get("frames");
    this.build(root);
    this.show();
    this.onModel = () => this.show();
    for (const name of ["version", "selected"]) model.on(`change:${name}`, this.onModel);
  }

  remove() {
    this.view.remove();
    for (const name of ["version", "selected"]) this.model.off(`change:${name}`, this.onModel);
  }

  get frame() { return this.frames.find(frame => frame.version === this.model.get("version")) ?? this.frames[0]; }

  build(root) {
    this.view = new BytesAndFields(() => this.moved());
    this.now = element("p", { class: "mk-now", "aria-live": "polite" });
    this.versions = element("div", { class: "mk-versions" });
    this.root = chrome(this.model, "mk-wire", this.buildKeys(), this.versions, this.view.node, this.now);
    this.root.addEventListener("keydown", event => this.onKey(event));
    root.append(this.root);
  }

  buildKeys() {
    return ["point at a byte or a field, click to hold it · ", kbd("↑ ↓"), " fields (in the bytes: lines) · ", kbd("← →"),
      " bytes", ...(this.frames.length > 1 ? [" · ", kbd("V"), " newer version, ", kbd("⇧ V"), " older"] : [])];
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
  }

  showVersions(frame, before) {
    this.versions.hidden = this.frames.length < 2;
    const buttons = this.frames.map(each => {
      const button = element("button", { type: "button", "aria-pressed": `${each === frame}` }, `v${each.version}`);
      button.addEventListener("click", () => this.toVersion(each.version));
      return button;
    });
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

  toVersion(version) {
    this.model.set("version", version);
    this.model.save_changes();
    this.show();
  }

  // The reader pointed at something or chose it.
  moved() {
    const { row } = this.view, path = row === null ? [] : this.view.rows[row].path;
    if (path.join() !== this.model.get("selected").join()) {
      this.model.set("selected", path);
      this.model.save_changes();
    }
    this.say();
  }

  say() {
    const piece = this.view.piece;
    this.root.dataset.row = (this.view.pointed ?? this.view).row ?? "";
    this.now.textContent = piece ? pieceSentence(piece)
      : `${this.frame.tree.name}: ${plural(this.view.size, "byte")} in ${plural(this.view.rows.filter(row => row.path).length, "piece")}.`;
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.frames.indexOf(this.frame), newer = by => this.frames[at + by] && this.toVersion(this.frames[at + by].version);
    const act = { v: () => newer(1), V: () => newer(-1) }[event.key];
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
