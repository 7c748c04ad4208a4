// The course's own widgets: a question before a run, what came of it, and how far a reader is.
//
//     ○ (0,1) and (0,2)        predicted   (0,1) and (1,1)        00  ✓ □ □
//     ● (0,1) and (1,1)    ≠   it is       (0,1) and (0,2)        03  □ □ □
//
// Three kinds in one module, because they speak to each other: an answer given in one is shown by
// the others on the same page. With a kernel, a file keeps the answers (lab/progress.py); without
// one, the browser does. Only here is it decided whether an answer was right.
//
// `still` is the picture without a browser; drawing.js and glyphs.js stand in front of this file.

// ---- right or not --------------------------------------------------------------------------

const plain = text => text.replace(/\s+/g, "").toLowerCase();
const numberIn = text => parseFloat(text.replace(/(\d)[,_ ](?=\d{3}(?!\d))/g, "$1").match(/-?\d*\.?\d+/)?.[0]);
const isNumber = text => /^-?[\d,._]+$/.test(text);

// As text, or where a number came out, as numbers that differ by no more than `within`.
function isRight(answer, actual, within = 0) {
  if (plain(answer) === plain(actual)) return true;
  return isNumber(actual) && Math.abs(numberIn(answer) - numberIn(actual)) <= within + 1e-9;
}

// A prediction beside what came out, as a sentence.
function sentence(answer, actual, within) {
  if (!answer) return `You did not predict; it is ${actual}.`;
  if (!isRight(answer, actual, within)) return `You predicted ${answer}; it is ${actual}.`;
  return isRight(answer, actual) ? `You predicted ${answer}, and so it is.`
    : `You predicted ${answer}; it is ${actual}: near enough.`;
}

// What a chapter's predictions came to.
function predictedText(predictions) {
  const made = predictions.filter(each => each.answer);
  const right = made.filter(each => each.actual !== undefined && isRight(each.answer, each.actual, each.within));
  return made.length ? `${plural(made.length, "prediction")}, ${right.length} right` : "";
}

// ---- without a browser -------------------------------------------------------------------------

const inLines = (text, width, size, bold) => text.split(" ").reduce((lines, word) => {
  const longer = `${lines.at(-1)} ${word}`;
  if (lines.at(-1) && textWidth(longer, size, bold) > width) lines.push(word);
  else lines[lines.length - 1] = lines.at(-1) ? longer : word;
  return lines;
}, [""]);

const bare = text => text.replaceAll("`", "");

// Lines of text from `y` down; returns where the next line may stand.
function paragraph(p, x, y, text, width, colour, size, bold = false) {
  const lines = inLines(bare(text), width - x, size, bold);
  lines.forEach((line, i) => p.text(x, y + i * size * 1.35, line, colour, size, bold ? { bold: 1 } : {}));
  return y + lines.length * size * 1.35;
}

const capitals = (p, x, y, words) => p.text(x, y, words.toUpperCase(), "ink-3", 11, { bold: 1, letter_spacing: 0.6 });

// Done: a disc with a tick. Not as predicted: an open one with "not equal".
function sign(p, x, y, isEqual) {
  p.circle(x, y, 9, isEqual ? { fill: "ink" } : { fill: "none", stroke: "ink", stroke_width: 1.6 });
  const points = isEqual ? ["M", x - 4, y, "L", x - 1, y + 3, "L", x + 4, y - 3.2]
    : ["M", x - 4, y - 2, "H", x + 4, "M", x - 4, y + 2, "H", x + 4, "M", x + 2.5, y - 5, "L", x - 2.5, y + 5];
  p.path(points, { stroke: isEqual ? "inv" : "ink", stroke_width: isEqual ? 2 : 1.4, stroke_linecap: "round" });
}

export function still({ kind, width, ...what }) {
  const picture = new Picture(width);
  const { height, label } = STILLS[kind](picture, what);
  return { width, height, shapes: picture.shapes, anchors: {}, label };
}

const STILLS = { prediction: stillPrediction, outcome: stillOutcome, progress: stillProgress };

function stillPrediction(p, { title, choices, answer }) {
  capitals(p, 0, 9, "predict");
  let y = paragraph(p, 0, 34, title, p.width, "ink", 16, true) + 8;
  for (const choice of choices) {
    p.circle(8, y - 4.5, 7, { fill: "surface", stroke: "edge", stroke_width: 1.4 });
    if (choice === answer) p.circle(8, y - 4.5, 4, { fill: "ink" });
    y = paragraph(p, 26, y, choice, p.width, "ink", 13) + 7;
  }
  if (!choices.length) {
    p.rect(0.5, y - 14, 220, 28, { rx: 6, fill: "surface", stroke: "edge" });
    p.text(10, y + 4.5, answer || "a number or a few words", answer ? "ink" : "ink-3", 13);
    y += 28;
  }
  return { height: y - 8, label: title };
}

function stillOutcome(p, { title, answer, actual, within }) {
  capitals(p, 0, 9, "what happened");
  let y = title ? paragraph(p, 0, 33, title, p.width, "ink-2", 13) + 8 : 36;
  const said = sentence(answer, actual, within), x = answer ? 28 : 0;
  if (answer) sign(p, 10, y - 5, isRight(answer, actual, within));
  y = paragraph(p, x, y, said, p.width, "ink", 16, true);
  return { height: y - 10, label: said };
}

function stillProgress(p, { title, chapters, accepted, predictions }) {
  let y = 14;
  p.text(0, y, title, "ink", 16, { bold: 1 });
  y += 14;
  for (const chapter of chapters) {
    p.line(0, y, p.width, y, { stroke: "line" });
    y += 22;
    p.text(0, y, chapter.number, "ink-3", 13);
    p.text(32, y, chapter.title, "ink", 13, { bold: 1 });
    chapter.exercises.forEach((exercise, i) => stillExercise(p, 424 + i * 34, y, exercise, accepted));
    p.text(p.width, y, predictedText(ofChapter(predictions, chapter)), "ink-2", 12, { text_anchor: "end" });
    y += 12;
  }
  return { height: y, label: progressText(chapters, accepted) };
}

function stillExercise(p, x, y, exercise, accepted) {
  const isDone = accepted.includes(exercise);
  p.rect(x, y - 14, 26, 20, { rx: 5, ...(isDone ? { fill: "ink" } : { fill: "surface", stroke: "edge" }) });
  if (isDone) p.path(["M", x + 8, y - 4, "L", x + 12, y, "L", x + 19, y - 8], { stroke: "inv", stroke_width: 2 });
  else p.text(x + 13, y, exercise.split(".")[1], "ink-2", 12, { text_anchor: "middle" });
}

const ofChapter = (predictions, { number }) =>
  Object.keys(predictions).filter(name => name.startsWith(`${number}.`)).map(name => predictions[name]);

// How far it is, and what is next.
function progressText(chapters, accepted) {
  const every = chapters.flatMap(chapter => chapter.exercises), open = every.find(e => !accepted.includes(e));
  const count = every.filter(each => accepted.includes(each)).length;
  const chapter = chapters.find(each => each.exercises.includes(open));
  const next = open ? `next is exercise ${open} in “${chapter.title}”` : "that is all of them";
  return `${count} of ${plural(every.length, "exercise")} accepted; ${next}.`;
}

// ---- what was answered on this page ----------------------------------------------------------------

const STORE = "minikafka.predictions", ANSWERED = "minikafka:answered";
const HEARD = ["answer", "accepted", "predictions"];

// Without a kernel the browser keeps the answers; where it may not, the page does.
function kept() {
  try { return JSON.parse(localStorage.getItem(STORE)) ?? {}; } catch { return globalThis[STORE] ?? {}; }
}

function keep(all) {
  globalThis[STORE] = all;
  try { localStorage.setItem(STORE, JSON.stringify(all)); } catch { /* the page has it */ }
}

// The frame of a question: what it is, in capitals above it.
function card(model, kind, words, keys, body) {
  const root = chrome(model, kind, keys, body);
  root.querySelector("h2").replaceChildren(...withCode(model.get("title")));
  root.querySelector("header").prepend(element("h3", {}, words));
  root.setAttribute("aria-label", `${words}: ${model.get("title")}`);
  // A notebook would take the arrows for its own.
  root.addEventListener("keydown", event => event.stopPropagation());
  return root;
}

// A part of the course that hears what is answered elsewhere on the page.
class Part {
  constructor(model) {
    this.model = model;
    this.hasKernel = Boolean(model.widget_manager);
    this.heard = globalThis[ANSWERED] ??= {};
    this.onAnswer = () => this.show();
    window.addEventListener(ANSWERED, this.onAnswer);
    for (const name of HEARD) model.on(`change:${name}`, this.onAnswer);
  }

  remove() {
    window.removeEventListener(ANSWERED, this.onAnswer);
    for (const name of HEARD) this.model.off(`change:${name}`, this.onAnswer);
  }

  get name() { return this.model.get("name"); }

  get answer() {
    return this.heard[this.name] ?? (this.model.get("answer") || !this.hasKernel && kept()[this.name]?.answer || "");
  }

  // Let the browser remember, where nobody else does.
  note(what) {
    if (this.hasKernel) return;
    const all = kept();
    keep({ ...all, [this.name]: { ...all[this.name], ...what } });
  }

  say(answer) {
    this.heard[this.name] = answer;
    this.note({ answer });
    this.model.set("answer", answer);
    this.model.save_changes();
    window.dispatchEvent(new Event(ANSWERED));
  }
}

// ---- the question ----------------------------------------------------------------------------------

class Prediction extends Part {
  constructor(model, root) {
    super(model);
    this.said = element("span", { "aria-live": "polite" });
    this.choices = model.get("choices");
    const body = this.choices.length ? this.buildChoices() : this.buildField();
    this.root = card(model, "mk-prediction", "Predict", [this.said], body);
    root.append(this.root);
    this.show();
  }

  buildChoices() {
    const group = `mk-${this.name}-${Math.random()}`;
    this.inputs = this.choices.map(choice => {
      const input = element("input", { type: "radio", name: group, value: choice });
      input.addEventListener("change", () => this.say(choice));
      return input;
    });
    return element("div", { class: "mk-choices", role: "radiogroup", "aria-label": this.model.get("title") },
      ...this.inputs.map(input => element("label", {}, input, element("span", {}, ...withCode(input.value)))));
  }

  buildField() {
    this.field = element("input", { type: "text", "aria-label": this.model.get("title"), autocomplete: "off",
      placeholder: "a number or a few words" });
    const keepIt = element("button", { type: "submit" }, "Keep");
    const form = element("form", { class: "mk-field" }, this.field, keepIt);
    form.addEventListener("submit", event => { event.preventDefault(); this.say(this.field.value.trim()); });
    this.field.addEventListener("change", () => this.say(this.field.value.trim()));
    return form;
  }

  show() {
    const answer = this.answer;
    this.inputs?.forEach(input => { input.checked = input.value === answer; });
    if (this.field && document.activeElement !== this.field) this.field.value = answer;
    this.said.replaceChildren(...(answer ? [kbd("kept: "), ...withCode(answer)]
      : [`Nothing predicted yet. ${this.field ? "Enter keeps it." : `Choose one, then ${this.hasKernel ? "run" : "read"} on.`}`]));
    this.root.dataset.answer = answer;
  }
}

// ---- what came of it --------------------------------------------------------------------------------

class Outcome extends Part {
  constructor(model, root) {
    super(model);
    this.body = element("div", { class: "mk-outcome-body", "aria-live": "polite" });
    this.root = card(model, "mk-outcome", "What happened", [], this.body);
    this.root.querySelector("footer").remove();
    this.note({ actual: model.get("actual"), within: model.get("within") });
    root.append(this.root);
    this.show();
  }

  show() {
    const actual = this.model.get("actual"), within = this.model.get("within"), answer = this.answer;
    const right = Boolean(answer) && isRight(answer, actual, within);
    this.body.replaceChildren(
      ...(answer ? [glyph(20, 20, p => sign(p, 10, 10, right))] : []),
      element("p", {}, ...withCode(sentence(answer, actual, within))));
    this.root.dataset.right = answer ? `${right}` : "";
  }
}

// ---- how far ------------------------------------------------------------------------------------------

class Progress extends Part {
  constructor(model, root) {
    super(model);
    this.list = element("ol", { class: "mk-chapters" });
    this.next = element("span", { "aria-live": "polite" });
    this.root = chrome(model, "mk-progress", [this.next], this.list);
    root.append(this.root);
    this.show();
    this.watch = new IntersectionObserver(([entry]) => { if (entry.isIntersecting) this.ask(); });
    this.watch.observe(this.root);
  }

  remove() {
    super.remove();
    this.watch.disconnect();
  }

  // The file may have grown while this was out of sight.
  ask() {
    if (!this.hasKernel) return;
    this.model.set("asked", this.model.get("asked") + 1);
    this.model.save_changes();
  }

  show() {
    const accepted = this.model.get("accepted"), chapters = this.model.get("chapters");
    const predictions = this.hasKernel ? this.model.get("predictions") : kept();
    this.list.replaceChildren(...chapters.map(chapter => element("li", {},
      element("span", {}, chapter.number), element("b", {}, chapter.title),
      element("ul", { "aria-label": "Exercises" }, ...chapter.exercises.map(each => this.box(each, accepted))),
      element("small", {}, predictedText(ofChapter(predictions, chapter))))));
    this.next.textContent = this.hasKernel ? progressText(chapters, accepted)
      : "Predictions are kept in this browser. Exercises need the notebook.";
    this.root.dataset.accepted = accepted.join(" ");
  }

  box(exercise, accepted) {
    const isDone = accepted.includes(exercise), number = exercise.split(".")[1];
    const box = element("li", { class: isDone ? "mk-done" : null, role: "listitem",
      title: `exercise ${exercise}: ${isDone ? "accepted" : "open"}` },
    element("span", { class: "mk-said" }, `exercise ${number}, ${isDone ? "accepted" : "open"}`),
    isDone ? glyph(14, 14, p => p.path(["M", 2, 7, "L", 5.5, 10.5, "L", 12, 3.5], { stroke: "inv", stroke_width: 2 }))
      : element("span", { "aria-hidden": "true" }, number));
    return box;
  }
}

const KINDS = { prediction: Prediction, outcome: Outcome, progress: Progress };

function render({ model, el }) {
  const widget = new KINDS[model.get("kind")](model, el);
  return () => widget.remove();
}

export default { render };
