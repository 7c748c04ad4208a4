// What all widgets are drawn with: shapes as data, and shapes as a living SVG.
//
//     Picture ─► shapes ─► patch ─► <svg>          in a browser
//                       └► viz/static.py ─► .svg   without one: viz/engine.py runs the first half
//
// Text is not measured but estimated from a table of character widths, generous enough for the
// widest font of the stack: so the same picture comes out on every machine.
//
// Put in front of a widget's own module, so that a widget is one file without imports: it runs in
// JupyterLab, in an exported page, offline.

const NARROW = new Set("iljtfrI.,:;'|!()[]· "), WIDE = new Set("mwMW@—%…");

// ---- shapes as data -----------------------------------------------------------------------

function textWidth(text, size = 12, bold = false) {
  let ems = 0;
  for (const c of text) ems += NARROW.has(c) ? 0.36 : WIDE.has(c) ? 0.95 : 0.63;
  return ems * size * (bold ? 1.06 : 1);
}
const fitting = (wordings, width, size = 12, bold = false) =>
  wordings.find(w => textWidth(w, size, bold) <= width) ?? "";
// A name with its middle left out, as long as fits: the end of a name tells more than its middle.
function shortened(name, width, size = 12, bold = false) {
  const letters = [...name];
  if (textWidth(name, size, bold) <= width) return name;
  for (let n = letters.length - 1; n > 1; n--) {
    const head = Math.floor(n / 3), words = `${letters.slice(0, head).join("")}…${letters.slice(head - n).join("")}`;
    if (textWidth(words, size, bold) <= width) return words;
  }
  return "";
}
const rounded = value => Math.floor(value * 10 + 0.5) / 10;
const whole = Math.round;
const span = (base, end) => end === base + 1 ? `${base}` : `${base}..${end - 1}`;
const fileName = base => `…${String(base).padStart(4, "0")}.log`;
const sizeText = bytes => bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB`
  : bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes} B`;
const thousands = n => `${n}`.replace(/\B(?=(\d{3})+$)/g, ","); // toLocaleString takes 15 ms at first
// How far something is that begins fast and ends slowly.
const ease = p => 1 - (1 - p) ** 3;
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

class Picture {
  constructor(width) { this.width = width; this.height = 0; this.shapes = []; this.anchors = {}; }
  rect(x, y, w, h, more) { this.add("rect", { x, y, width: Math.max(0, w), height: h, ...more }); }
  line(x1, y1, x2, y2, more) { this.add("line", { x1, y1, x2, y2, ...more }); }
  circle(cx, cy, r, more) { this.add("circle", { cx, cy, r, ...more }); }
  path(points, more) {
    const d = points.map(p => typeof p === "string" ? p : `${rounded(p)}`).join(" ");
    this.add("path", { d, fill: "none", ...more });
  }
  text(x, y, text, colour = "ink", size = 12, { halo, bold, ...more } = {}) {
    if (!text) return;
    const at = { x, y, font_size: size };
    if (bold) more.font_weight = 640;
    if (halo) {
      const round = { stroke: halo, stroke_width: 4, stroke_linejoin: "round" };
      this.add("text", { ...at, fill: halo, ...more, ...round }, text);
    }
    this.add("text", { ...at, fill: colour, ...more }, text);
  }
  hatch(x, y, w, h, colour, gap = 5) {
    const points = [];
    for (let offset = gap / 2; offset < w + h; offset += gap) {
      const [ax, ay] = offset <= w ? [offset, 0] : [w, offset - w];
      const [bx, by] = offset >= h ? [offset - h, h] : [0, offset];
      points.push("M", x + ax, y + ay, "L", x + bx, y + by);
    }
    if (points.length) this.path(points, { stroke: colour });
  }
  // What `paintIt` adds, as one shape: its changes move nothing outside of it (see `patch`).
  group(paintIt) {
    const around = this.shapes, shapes = this.shapes = [];
    paintIt();
    this.shapes = around;
    around.push({ tag: "g", attributes: {}, text: "", shapes });
  }
  anchor(name, x, y) { this.anchors[name] ??= [x, y]; }
  add(tag, attributes, text = "") {
    const plain = {};
    for (const name in attributes) {
      const value = attributes[name];
      plain[name.replaceAll("_", "-")] = typeof value === "number" ? rounded(value) : value;
    }
    this.shapes.push({ tag, attributes: plain, text });
  }
}

// Shapes without groups, for paper.
const flat = shapes => shapes.flatMap(shape => shape.tag === "g" ? flat(shape.shapes) : [shape]);

// ---- shapes to DOM ---------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = ["fill", "stroke"];

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const key in attributes)
    if (attributes[key] != null) node.setAttribute(key, attributes[key]);
  node.append(...children);
  return node;
}

// A button that acts; `label` says what it does where its words (or its sign) do not.
function button(words, act, { label = null, ...more } = {}) {
  const node = element("button", { type: "button", "aria-label": label, title: label, ...more }, ...[words].flat());
  node.addEventListener("click", act);
  return node;
}

// Where in a picture that is shown in this size the pointer is.
function pointIn(svg, size, event) {
  const box = svg.getBoundingClientRect();
  return [(event.clientX - box.left) / size, (event.clientY - box.top) / size];
}

// `words` in backticks become code: config names look like config names.
function withCode(text) {
  return text.split("`").map((part, i) => i % 2 ? element("code", {}, part) : part);
}

// What to look for: numbered sentences, each [first words, the rest]; `isHere` fills the discs.
function lookList(looks, isHere = true, title = "Look for") {
  return element("div", {}, element("h3", {}, title),
    element("ol", { class: "mk-look" }, ...looks.map(([first, rest], i) =>
      element("li", isHere ? { class: "mk-here" } : {}, element("span", { class: "mk-disc" }, `${i + 1}`),
        element("span", {}, element("b", {}, first), ` ${rest}`)))));
}

// A number set large, with what it counts.
const numeral = (value, small, words) => element("div", {},
  element("strong", {}, value, element("small", {}, small)), element("span", {}, words));

const kbd = words => element("b", {}, words);

// A widget's frame: title and settings, its parts, and below them the caption and the keys.
function chrome(model, kind, keys, ...parts) {
  const caption = model.get("caption");
  return element("section", { class: `mk mk-widget ${kind}`, tabindex: "0",
    "aria-label": model.get("title"), "data-lm-suppress-shortcuts": "true" },
  element("header", {}, element("h2", {}, model.get("title")),
    element("p", {}, ...withCode(model.get("settings")))),
  ...parts, element("footer", {}, ...(caption ? [caption, " · "] : []), ...keys));
}

// Make the SVG's children equal to the shapes, touching only what differs. A group that is the very
// same as before is not looked into.
function patch(svg, shapes) {
  let node = svg.firstChild;
  for (const shape of shapes) {
    if (node?.tagName !== shape.tag) {
      const fresh = document.createElementNS(SVG, shape.tag);
      fresh.drawn = {};
      if (node) node.replaceWith(fresh); else svg.append(fresh);
      node = fresh;
    }
    const drawn = node.drawn, next = shape.attributes;
    for (const name in drawn) if (!(name in next)) node.removeAttribute(name);
    for (const name in next)
      if (drawn[name] !== next[name]) {
        const isToken = COLOURS.includes(name) && next[name] !== "none";
        node.setAttribute(name, isToken ? `var(--mk-${next[name]})` : next[name]);
      }
    node.drawn = next;
    if (shape.tag === "g" && node.shapes !== shape.shapes) patch(node, node.shapes = shape.shapes);
    if (shape.tag === "text" && node.said !== shape.text) node.textContent = node.said = shape.text;
    node = node.nextSibling;
  }
  while (node) {
    const next = node.nextSibling;
    node.remove();
    node = next;
  }
}

// How much larger than written everything is: for a projector.
const enlarged = node => parseFloat(getComputedStyle(node).getPropertyValue("--mk-k")) || 1;

// Give an SVG the size of a picture, `k` times as large on the screen.
function sizeTo(svg, width, height, k = 1) {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width * k);
  svg.setAttribute("height", height * k);
}

function glyph(width, height, paintIt) {
  const picture = new Picture(width), svg = document.createElementNS(SVG, "svg");
  paintIt(picture);
  sizeTo(svg, width, height);
  svg.setAttribute("aria-hidden", "true");
  patch(svg, picture.shapes);
  return svg;
}

// An instant of the run: `3.412 s`, and `1:30:00.073` once it takes a minute.
function clockText(us) {
  const seconds = us / 1e6, pad = n => String(n).padStart(2, "0");
  if (seconds < 60) return `${seconds.toFixed(3)} s`;
  const rest = (seconds % 60).toFixed(3).padStart(6, "0"), minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${rest}`;
}

const ICONS = {
  back: "M11 2.5 3.5 8l7.5 5.5zM2 2.5v11", play: "M4 2.2 13 8 4 13.8z",
  pause: "M4.5 2.5v11M11 2.5v11", step: "M5 2.5 12.5 8 5 13.5zM14 2.5v11",
};

function icon(name) {
  const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  if (name === "play") path.setAttribute("class", "mk-solid");
  svg.append(path);
  return svg;
}
