// Every sign of the visual language, once: widgets and figures draw with these.
//
//     squares hold data      batch  segment  slot  record key          written   nib: points out
//     rounds decide          crown  ribbon  ballot  ring  diamond      committed post with a flag
//     arrows move            arrow  tag  cross  cut                    read      pointer from below
//
// LANGUAGE.md shows them all and says what they mean; widgets/language.js draws that page's picture.
// A sign takes the picture first and its place next. Lengths are those of the picture.

const GROUNDS = {
  committed: { fill: "cell", stroke: "edge", stroke_width: 1 },
  written: { fill: "surface", stroke: "ink-2", stroke_width: 1.1 },
  landing: { fill: "write-soft", stroke: "write", stroke_width: 2 },
  gone: { fill: "none", stroke: "edge", stroke_width: 1, stroke_dasharray: "2 2.5" },
};

const DEAD = { stroke: "lost", stroke_width: 1.5, stroke_dasharray: "4 3" };

// ---- data --------------------------------------------------------------------------------------

// A batch, by what became of it: "committed", "written", "landing" or "gone". Not committed is hatched.
function batchBox(p, kind, x, y, w, h) {
  p.rect(x, y, w, h, { rx: 2, ...GROUNDS[kind] });
  if (kind === "written" || kind === "landing")
    p.hatch(x, y, w, h, kind === "landing" ? "write" : "edge", 4.5);
}

// The free place where the next record goes.
function freeSlot(p, x, y, w, h) {
  p.rect(x, y, w, h, { rx: 2, fill: "none", stroke: "edge", stroke_dasharray: "2.5 2.5" });
}

// A file: a folder with its name on the tab; the open one has no right edge.
function folder(p, { x0, x1, top, y0, y1, tab, isOpen = false, stroke = "edge", dashed = false }) {
  const colour = { fill: "raised", stroke, stroke_width: 1.2, ...(dashed ? { stroke_dasharray: "4 3" } : {}) };
  p.path(["M", x1, y0, "H", x0, "V", y1, "H", x1, ...(isOpen ? [] : ["Z"])], colour);
  if (tab >= 10)
    p.path(["M", x0, y0, "V", top + 3, "Q", x0, top, x0 + 3, top, "H", x0 + tab - 6, "L", x0 + tab, y0], colour);
}

// An index entry: a pin below the batch that it points to.
function pin(p, x, y0, y1) {
  p.line(x, y0, x, y1, { stroke: "ink-2", stroke_width: 1.2 });
  p.circle(x, y1, 2.2, { fill: "ink-2" });
}

// A record's key as a shape: circle, triangle, square, diamond.
function keyShape(p, which, x, y, colour = "ink") {
  const ink = { fill: colour };
  if (which === 0) p.circle(x, y, 4.4, ink);
  else if (which === 1) p.path(["M", x, y - 4.8, "L", x + 4.8, y + 3.8, "H", x - 4.8, "Z"], ink);
  else if (which === 2) p.rect(x - 3.9, y - 3.9, 7.8, 7.8, ink);
  else p.path(["M", x, y - 5.2, "L", x + 5.2, y, "L", x, y + 5.2, "L", x - 5.2, y, "Z"], ink);
}

// A control record: a pill with its offset and C for commit, A for abort.
function controlPill(p, x, y, w, h, offset, letter) {
  p.rect(x, y, w, h, { rx: h / 2, fill: "surface", stroke: "ink-2", stroke_width: 1.4 });
  p.text(x + w / 2 - 9, y + h / 2 + 4, offset, "ink-2", 11, { text_anchor: "middle" });
  p.text(x + w - 15, y + h / 2 + 4, letter, "ink", 12, { bold: 1, text_anchor: "middle" });
}

// A replica: in sync it is a round badge, out of sync a dashed square, struck.
function badge(p, x, y, label, isIn) {
  if (isIn) p.circle(x, y, 9, { fill: "commit-soft", stroke: "commit", stroke_width: 1.5 });
  else p.rect(x - 8, y - 8, 16, 16, { fill: "surface", stroke: "lost", stroke_width: 1.5, stroke_dasharray: "3 2" });
  p.text(x, y + 4, label, isIn ? "commit-text" : "lost-text", 11, { bold: 1, text_anchor: "middle" });
  if (!isIn) p.line(x - 11, y + 10, x + 11, y - 10, { stroke: "lost", stroke_width: 1.5 });
}

// Nothing before this offset: a heavy bracket.
function bracket(p, x, y0, y1) {
  p.path(["M", x + 6, y0, "H", x, "V", y1, "H", x + 6], { stroke: "ink", stroke_width: 2.4 });
}

// A post with a flag: filled and pointing back at what is committed (side -1), or hollow and pointing
// at the free slot (side 1). Returns where a number may stand beside it.
function flag(p, x, y0, y1, label, side) {
  const w = textWidth(label, 11, true) + 11;
  const stroke = side > 0 ? "ink" : "commit", fill = side > 0 ? "surface" : "commit";
  p.line(x, y0, x, y1, { stroke, stroke_width: side > 0 ? 1.6 : 2.6 });
  p.path(["M", x, y0 + 0.6, "H", x + side * (w - 4), "L", x + side * w, y0 + 7.5, "L",
    x + side * (w - 4), y0 + 14.4, "H", x, "Z"], { fill, stroke, stroke_width: 1.3 });
  p.text(x + side * (w / 2 - 1.5), y0 + 11.3, label, side > 0 ? "ink" : "inv", 11,
    { bold: 1, text_anchor: "middle" });
  return [x + side * (w + 11), y0 + 7.5];
}

// A reader's next offset: a pointer from below.
function pointer(p, x, y) { p.path(["M", x, y, "L", x + 5, y + 8, "H", x - 5, "Z"], { fill: "read" }); }

// A lag: a ruler from a position to the high watermark.
function ruler(p, x0, x1, y) {
  p.path(["M", x0, y, "H", x1, "M", x1, y - 4, "V", y + 4], { stroke: "read", stroke_width: 1.6 });
}

// ---- who acts ------------------------------------------------------------------------------------

// A broker: a square with its name, and a heartbeat while it lives.
function brokerBox(p, x, y, w, h, name) {
  p.rect(x, y, w, h, { rx: 6, fill: "surface", stroke: "ink-2", stroke_width: 1.8 });
  p.text(x + 8, y + 16, name, "ink", 11, { bold: 1 });
  const right = x + w - 6, line = y + h - 11;
  p.path(["M", right - 22, line, "H", right - 16, "L", right - 13, line + 5, "L", right - 9, line - 6, "L",
    right - 5, line, "H", right], { stroke: "ink-2", stroke_width: 1.3 });
}

// A controller decides, so it is round; the active one is bold.
function controllerRing(p, x, y, r, name, isActive = false) {
  p.circle(x, y, r, { fill: "surface", stroke: "rule", stroke_width: isActive ? 3 : 1.6 });
  p.text(x, y + 4, name, "ink", 12, { bold: 1, text_anchor: "middle" });
}

// A consumer group's generation: a hexagon with its number.
function hexagon(p, x, y, label) {
  p.path(["M", x, y - 13, "L", x + 12, y - 6.5, "V", y + 6.5, "L", x, y + 13, "L", x - 12, y + 6.5, "V", y - 6.5, "Z"],
    { fill: "read-soft", stroke: "read", stroke_width: 1.5 });
  p.text(x, y + 4.2, label, "read-text", 12, { bold: 1, text_anchor: "middle" });
}

// A producer, or what it sends: the tag points out. `ground` "write-soft" when it lands.
function tag(p, x, y, w, { h = 18, ground = "surface", isDead = false } = {}) {
  p.path(["M", x + 1, y + 1, "H", x + w - 6, "L", x + w - 1, y + h / 2, "L", x + w - 6,
    y + h - 1, "H", x + 1, "Z"], { fill: ground, ...(isDead ? DEAD : { stroke: "write", stroke_width: 1.8 }) });
}

// A consumer is notched: it takes in.
function notched(p, x, y, w, { h = 18, isDead = false } = {}) {
  p.path(["M", x + 1, y + 1, "H", x + w - 1, "V", y + h - 1, "H", x + 1, "L", x + 6, y + h / 2, "Z"],
    { fill: "surface", ...(isDead ? DEAD : { stroke: "read", stroke_width: 1.8 }) });
}

// The leader's crown; grey once deposed.
function crown(p, x, y, colour = "rule") {
  p.path(["M", x - 6.5, y + 5, "V", y - 4.5, "L", x - 3, y, "L", x, y - 5.5, "L", x + 3, y, "L",
    x + 6.5, y - 4.5, "V", y + 5, "Z"], { fill: colour });
}

// An epoch or a term: a ribbon with its number. Returns its width.
function ribbon(p, x, y, words) {
  const w = textWidth(words, 11) + 10, h = 15;
  p.path(["M", x, y, "H", x + w, "V", y + h, "L", x + w / 2, y + h - 3, "L", x, y + h, "Z"],
    { fill: "rule-soft", stroke: "rule", stroke_width: 1 });
  p.text(x + w / 2, y + 10.6, words, "rule-text", 11, { text_anchor: "middle" });
  return w;
}

// ---- what is decided -----------------------------------------------------------------------------

// A vote: "counted" is solid, "sent" dashed, "missing" an empty grey ring.
function ballot(p, x, y, state) {
  const look = { counted: { fill: "rule", stroke: "rule" }, missing: { fill: "surface", stroke: "edge" },
    sent: { fill: "surface", stroke: "rule", stroke_dasharray: "2.5 2" } }[state];
  p.circle(x, y, 7, { stroke_width: 1.5, ...look });
}

// A timer: the arc is the part of its time (below 1) that is gone; full, it fires.
function timerRing(p, x, y, r, part, words) {
  const angle = 2 * Math.PI * part, xe = x + r * Math.sin(angle), ye = y - r * Math.cos(angle);
  p.circle(x, y, r, { fill: "surface", stroke: "cell", stroke_width: 4 });
  p.path(["M", x, y - r, "A", r, r, 0, part > 0.5 ? 1 : 0, 1, xe, ye], { stroke: "ink-2", stroke_width: 4 });
  p.circle(xe, ye, 4, { fill: "surface", stroke: "ink-2", stroke_width: 1.5 });
  p.text(x, y + 4, words, "ink", 11, { bold: 1, text_anchor: "middle" });
}

// A heartbeat on a control link.
function diamond(p, x, y) {
  p.path(["M", x, y - 5, "L", x + 5, y, "L", x, y + 5, "L", x - 5, y, "Z"], { fill: "rule" });
}

// ---- what happens --------------------------------------------------------------------------------

// A message where it is: a dot with a tail behind it, a ring if it is an answer. `side` 1 goes right.
function inFlight(p, x, y, idea, side, isAnswer = false) {
  p.path(["M", x, y - 4, "L", x - side * 24, y, "L", x, y + 4, "Z"], { fill: `${idea}-soft`, stroke: idea, stroke_width: 0.6 });
  if (isAnswer) p.circle(x, y, 5, { fill: "surface", stroke: idea, stroke_width: 2 });
  else p.circle(x, y, 5, { fill: idea });
}

// Why a batch was closed: it was "full", its "linger" was over, a "slot" in flight came free, another
// was leaving ("request"), "flush" or "close" was called, or "memory" was used up.
function closedBecause(p, x, y, why, s = 1) {
  const ink = { stroke: "ink", stroke_width: 1.8 * s }, at = (dx, dy) => [x + dx * s, y + dy * s];
  const line = points => p.path(points.flat(), ink), ring = r => p.circle(x, y, r * s, { ...ink, fill: "surface" });
  if (why === "full") p.rect(x - 6 * s, y - 6 * s, 12 * s, 12 * s, { fill: "ink" });
  else if (why === "linger") { ring(7.5); line(["M", at(0, -5), "L", at(0, 0), "L", at(4, 3)]); }
  else if (why === "flush") line(["M", at(0, -7), "L", at(0, 2), "M", at(-4, -2), "L", at(0, 2), "L", at(4, -2), "M", at(-6, 6), "L", at(6, 6)]);
  else if (why === "memory") p.path(["M", at(0, -6.5), "L", at(7, 6), "L", at(-7, 6), "Z"].flat(), { ...ink, fill: "surface" });
  else if (why === "close") line(["M", at(-7, 0), "L", at(2, 0), "M", at(-2, -4), "L", at(2, 0), "L", at(-2, 4), "M", at(6, -6), "L", at(6, 6)]);
  else ring(6);
  if (why === "request") p.circle(x, y, 2 * s, { fill: "ink" });
}

// Acknowledged: a tick, and only where it is safe.
function tick(p, x, y) {
  p.path(["M", x - 6, y, "L", x - 1.5, y + 4.5, "L", x + 6, y - 4.8],
    { stroke: "commit", stroke_width: 2.2, stroke_linecap: "round" });
}

// Lost.
function cross(p, x, y, r) {
  const points = ["M", x - r, y - r, "L", x + r, y + r, "M", x + r, y - r, "L", x - r, y + r];
  for (const [stroke, stroke_width] of [["surface", 5.4], ["lost", 2.4]])
    p.path(points, { stroke, stroke_width, stroke_linecap: "round" });
}

// A link that is cut: two slashes across it.
function cut(p, x, y) {
  const points = ["M", x - 5, y + 6, "L", x - 1, y - 6, "M", x + 1, y + 6, "L", x + 5, y - 6];
  for (const [stroke, stroke_width] of [["surface", 6], ["lost", 2.2]]) p.path(points, { stroke, stroke_width });
}

// Crashed: the box stays, with a crack at its right edge.
function crack(p, x, y0, y1) {
  const step = (y1 - y0) / 6, points = ["M", x, y0];
  for (let i = 1; i < 7; i++) points.push("L", x + (i === 6 ? 0 : i % 2 ? 6 : -6), y0 + i * step);
  p.path(points, { stroke: "surface", stroke_width: 5 });
  p.path(points, { stroke: "lost", stroke_width: 1.8 });
}

// The point of an arrow that comes from (x0, y0).
function arrowHead(p, x0, y0, x, y, fill, size = 5.5) {
  const length = Math.hypot(x - x0, y - y0) || 1, dx = (x - x0) / length, dy = (y - y0) / length;
  const bx = x - dx * size * 1.5, by = y - dy * size * 1.5, w = size * 0.6;
  p.path(["M", x, y, "L", bx - dy * w, by + dx * w, "L", bx + dy * w, by - dx * w, "Z"], { fill });
}

// A request that waits: a rounded bar with a pause sign, hatched, and why it waits in words. One that
// began before the picture does is open to the left.
function parked(p, x, y, w, h, words, stroke_width = 1.1, isOpen = false) {
  const look = { fill: "surface", stroke: "edge", stroke_width }, r = Math.min(8, w / 2);
  if (isOpen) p.path(["M", x, y, "H", x + w - r, "Q", x + w, y, x + w, y + h / 2, "Q", x + w, y + h, x + w - r, y + h, "H", x], look);
  else p.rect(x, y, w, h, { rx: r, ...look });
  if (w > 16) {
    const used = words ? textWidth(words, 11) + 26 : 18;
    if (w > used + 6) p.hatch(x + used, y + 3, w - used - 5, h - 6, "edge", 4.5);
    for (const bar of [7, 10.5]) p.line(x + bar, y + Math.min(5, h / 3), x + bar, y + h - Math.min(5, h / 3), { stroke: "ink-2", stroke_width: 1.8 });
  }
  p.text(x + 16, y + h / 2 + 4, words, "ink", 11);
}

// A number that also stands in the text.
function callOut(p, label, x, y) {
  p.circle(x, y, 8.5, { fill: "ink", stroke: "surface", stroke_width: 1.5 });
  p.text(x, y + 3.9, label, "inv", 11, { bold: 1, text_anchor: "middle" });
}

// Numbers, or other signs, at the anchors of these names, where they are drawn.
function callOuts(p, names, signs = "123456789") {
  names.forEach((name, i) => { if (p.anchors[name]) callOut(p, signs[i], ...p.anchors[name]); });
}
