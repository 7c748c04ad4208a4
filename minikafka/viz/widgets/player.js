// What all widgets that play a run have in common: a playhead on a track of moments.
//
//     track (ms of playing) ─► moment, time ─► paint        play · step · scrub · keys move the head
//
// The playhead does not run in virtual time. A run has microseconds between an append and
// its high watermark and minutes between two batches, and a linear clock would show nothing
// but waiting. So each gap lasts between LEAST_MS and MOST_MS on the screen, longer gaps
// longer; the clock shows the run's own time, and everything drawn is a function of that.
//
// A subclass builds its parts (`buildPicture`, `root`, `now`), then calls `begin`. It has
// `layOut(width)`, `paint(now, jump)`, `events()` for the track's ticks, `isMoving(now)` and `keys()`.

const LEAST_MS = 340, MOST_MS = 1100, LONGEST_MS = 120_000;
const STEP_MS = 600;
const SPEEDS = [0.5, 1, 2, 4];

// Where each moment lies on the track, in milliseconds of playing at normal speed.
function timeline(times) {
  const gaps = times.slice(1).map((t, i) => t - times[i]);
  const waits = gaps.filter(gap => gap > 0).sort((a, b) => a - b);
  const usual = waits[waits.length >> 1] ?? 1;
  const long = gaps.map(gap => LEAST_MS + (MOST_MS - LEAST_MS) * gap / (gap + 4 * usual));
  const total = long.reduce((a, b) => a + b, 0), squeeze = Math.min(1, LONGEST_MS / (total || 1));
  const places = [0];
  for (const ms of long) places.push(places.at(-1) + ms * squeeze);
  return places;
}

// The play button of a widget, and whether what it says is announced: playing, it would never stop.
function showPlaying({ playing, playButton, now }) {
  const label = playing ? "Pause" : "Play";
  playButton.replaceChildren(icon(playing ? "pause" : "play"));
  playButton.setAttribute("aria-label", label);
  playButton.title = label;
  now.setAttribute("aria-live", playing ? "off" : "polite");
}

class Player {
  constructor(model, times) {
    this.model = model;
    this.times = times;
    this.places = timeline(times);
    this.end = this.places.at(-1) ?? 0;
    this.last = times.length - 1;
    this.place = this.places[this.clamp(model.get("moment"))] ?? 0;
    this.speed = 1;
    this.frame = 0;
    this.playing = false;
    this.jump = true;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
  }

  begin() {
    const model = this.model;
    this.watch = new ResizeObserver(([entry]) => this.resize(entry.contentRect.width));
    this.watch.observe(this.figure);
    this.onModel = () => { if (model.get("moment") !== this.moment) this.go(model.get("moment")); };
    model.on("change:moment", this.onModel);
  }

  remove() {
    cancelAnimationFrame(this.frame);
    this.watch.disconnect();
    this.model.off("change:moment", this.onModel);
  }

  clamp(moment) { return Math.max(0, Math.min(this.last, moment < 0 ? this.last : moment)); }

  // The moment at the playhead: the last one at or before it.
  get moment() {
    let low = 0, high = this.last;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.places[middle] <= this.place + 1e-6) low = middle; else high = middle - 1;
    }
    return low;
  }

  get time() {
    const times = this.times, i = this.moment;
    if (i >= this.last) return times[i] ?? 0;
    const p = (this.place - this.places[i]) / (this.places[i + 1] - this.places[i]);
    return times[i] + p * (times[i + 1] - times[i]);
  }

  buildPicture() {
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("role", "img");
    this.figure = element("figure", { class: "mk-picture" });
    this.figure.append(this.svg);
  }

  buildBar() {
    const sign = (name, label, act) => button(icon(name), act, { label, class: `mk-${name}` });
    this.playButton = sign("play", "Play", () => this.toggle());
    this.range = element("input", { type: "range", min: 0, max: Math.max(1, Math.round(this.end)),
      step: 1, "aria-label": "Instant of the run" });
    this.range.addEventListener("input", () => {
      this.pause();
      this.seek(this.range.value === this.range.max ? this.end : +this.range.value);
    });
    this.range.addEventListener("change", () => this.tell());
    this.ticks = document.createElementNS(SVG, "svg");
    this.ticks.setAttribute("aria-hidden", "true");
    this.clock = element("output", { class: "mk-clock" });
    this.speedButton = button("", () => this.faster(), { class: "mk-speed" });
    this.showSpeed();
    const track = element("div", { class: "mk-track" }, this.range);
    track.prepend(this.ticks);
    return element("div", { class: "mk-bar" },
      sign("back", "Step back", () => this.step(-1)), this.playButton,
      sign("step", "Step", () => this.step(1)), track, this.clock, this.speedButton);
  }

  // -- playing ----------------------------------------------------------------------------------

  toggle() { if (this.playing) this.pause(); else this.play(); }

  play() {
    if (this.place >= this.end) { this.place = 0; this.jump = true; }
    this.playing = true;
    this.before = null;
    showPlaying(this);
    this.redraw();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    showPlaying(this);
    this.tell();
  }

  step(by) {
    this.pause();
    const isBetween = this.place > this.places[this.moment] + 1e-6;
    this.go(this.moment + (by < 0 && isBetween ? 0 : by));
    this.tell();
  }

  go(moment) { this.seek(this.places[this.clamp(Math.max(0, moment))], false); }

  // To a place on the track; things jump there when dragged, glide when stepped.
  seek(place, jump = true) {
    this.place = Math.max(0, Math.min(this.end, place));
    this.jump = this.jump || jump;
    this.redraw();
  }

  // Let the kernel know where the reader stopped.
  tell() { this.model.set("moment", this.moment); this.model.save_changes(); }

  faster() {
    this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length];
    this.showSpeed();
  }

  advance(now) {
    const elapsed = this.before === null ? 0 : Math.min(100, now - this.before);
    if (this.calm.matches) { // reduced motion: play becomes step
      if (this.before === null) { this.before = now; return; }
      if (now - this.before < STEP_MS / this.speed) return;
      this.before = now;
      this.place = this.places[Math.min(this.last, this.moment + 1)];
    } else {
      this.before = now;
      this.place = Math.min(this.end, this.place + elapsed * this.speed);
    }
    if (this.place >= this.end) { this.place = this.end; this.pause(); }
  }

  // -- drawing ----------------------------------------------------------------------------------

  resize(width) {
    const size = enlarged(this.root);
    if (width < 40 || (width === this.width && size === this.size)) return;
    this.width = width;
    this.size = size;
    this.layout = this.layOut(Math.floor(width / size));
    this.jump = true;
    this.drawTicks();
    this.redraw();
  }

  // Put a picture on the screen, and the playhead where it stands.
  show(picture) {
    const { width, height } = picture;
    if (this.shownSize !== `${width} ${height}`) {
      this.shownSize = `${width} ${height}`;
      sizeTo(this.svg, width, height, this.size);
    }
    patch(this.svg, picture.shapes);
    this.showPlace();
  }

  showPlace() {
    this.range.value = Math.round(this.place);
    this.range.style.setProperty("--mk-part", `${100 * this.place / (this.end || 1)}%`);
  }

  // What happens when, above the track: a tick in its idea's colour; what was lost is longer.
  drawTicks() {
    const width = this.ticks.clientWidth || this.width, picture = new Picture(width), taken = new Set();
    for (const [place, idea] of this.events()) {
      const x = 8 + (width - 16) * place / (this.end || 1);
      if (!idea || taken.has(Math.round(x / 2))) continue;
      taken.add(Math.round(x / 2));
      picture.line(x, idea === "lost" ? 0 : 3, x, 9, { stroke: idea, stroke_width: 2 });
    }
    this.ticks.setAttribute("viewBox", `0 0 ${width} 9`);
    patch(this.ticks, picture.shapes);
  }

  redraw() {
    if (!this.frame) this.frame = requestAnimationFrame(now => this.onFrame(now));
  }

  onFrame(now) {
    this.frame = 0;
    if (!this.layout) return;
    if (this.playing) this.advance(now);
    this.paint(now, this.jump || this.calm.matches);
    this.jump = false;
    if (this.playing || this.isMoving(now)) this.redraw();
  }

  showSpeed() {
    const words = this.speed === 0.5 ? "½" : `${this.speed}`;
    this.speedButton.textContent = `× ${words}`;
    this.speedButton.setAttribute("aria-label", `Speed ${words}`);
  }

  // -- keys ---------------------------------------------------------------------------------------

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.target.tagName === "BUTTON";
    const act = {
      " ": onButton ? null : () => this.toggle(),
      ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1),
      Home: () => { this.pause(); this.seek(0); this.tell(); },
      End: () => { this.pause(); this.seek(this.end); this.tell(); },
      ...this.keys(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}
