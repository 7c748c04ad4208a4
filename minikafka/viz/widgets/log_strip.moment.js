// What stands where at a moment, and which part of it a strip shows.
//
//     columns ─► look(moment) ─► view: offsets, files, batches, readers, flights
//
//     0 ──────────── 120 ═══════════════════════ 250        a log: deleted, then alive
//                          [ from ········ from + span ]     its window; without a wish of the
//                                                            reader it ends at the log end

const NEVER_ENDED = -1, ABSENT = -1;
const FAR_PX = 44, NEAR_PX = 76; // a record's width: at most this at first, and when zoomed in

function at(steps, moment) {
  let low = 0, high = steps.moment.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps.moment[middle] <= moment) low = middle + 1; else high = middle;
  }
  return low && steps.value[low - 1] !== ABSENT ? steps.value[low - 1] : null;
}

const isThere = (columns, i, moment) => columns.born[i] <= moment
  && (columns.gone[i] === NEVER_ENDED || columns.gone[i] >= moment);

function look(story, index, moment, time = story.moments.time_us[moment]) {
  const lane = story.lanes[index], end = at(lane.log_end, moment);
  if (end === null) return null;
  const view = {
    log_start: at(lane.log_start, moment), high_watermark: at(lane.high_watermark, moment),
    log_end: end, segments: [], batches: [], readers: [], size_bytes: 0,
    cut_from: lane.cut[moment] ?? -1, flights: flightsAt(story, index, moment, time),
    down: at(lane.down, moment) === 1, epoch: at(lane.epoch, moment),
  };
  // Another broker that leads in a later epoch has deposed this one.
  view.is_deposed = story.lanes.some(other => other.name === lane.name
    && (at(other.epoch, moment) ?? -1) > view.epoch);
  lane.segments.base.forEach((base, i) => {
    if (isThere(lane.segments, i, moment)) view.segments.push([base, lane.segments.gone[i] === moment]);
  });
  view.segments.sort((a, b) => a[0] - b[0]);
  view.first = view.segments.length ? view.segments[0][0] : end;
  for (let i = 0; i < lane.batches.base.length; i++)
    if (isThere(lane.batches, i, moment)) {
      view.batches.push([i, kindOf(lane, i, moment, view)]);
      view.size_bytes += lane.batches.size_bytes[i];
    }
  for (const name in lane.readers) {
    const now = at(lane.readers[name], moment);
    if (now !== null) view.readers.push([name, now, at(lane.readers[name], moment - 1) ?? now]);
  }
  return view;
}

function kindOf(lane, i, moment, view) {
  const { base, end, born, gone } = lane.batches;
  if (base[i] >= view.log_end) return "cut";
  if (gone[i] === moment || end[i] <= view.log_start) return "gone";
  if (end[i] <= view.high_watermark) return "committed";
  return born[i] === moment ? "landing" : "written";
}

function flightsAt(story, index, moment, time) {
  const flights = story.flights, times = story.moments.time_us, last = times.length - 1, found = [];
  for (let i = 0; i < flights.lane.length; i++) {
    const sent = flights.sent[i], end = flights.end[i], known = flights.acknowledged[i];
    const until = known !== NEVER_ENDED ? known : end !== NEVER_ENDED ? end : last;
    if (flights.lane[i] !== index || moment < sent || moment > until) continue;
    if (end === NEVER_ENDED || moment < end) {
      const start = times[sent], stop = times[end !== NEVER_ENDED ? end : last];
      const progress = (time - start) / Math.max(1, stop - start);
      found.push({ label: flights.label[i], progress, state: "flying", base: -1 });
    } else {
      const state = moment === known ? "known" : flights.lost[i] ? "lost"
        : moment === end ? "landing" : "landed";
      found.push({ label: flights.label[i], progress: 1, state, base: flights.base[i] });
    }
  }
  return found;
}

// For each lane and moment a number: where it is the same, the lane looks the same, but for flights.
// A moment is seen in the lanes of its partition, or in all when it has none, and once more when it is
// over.
function versions(story) {
  return story.lanes.map(({ name }) => {
    let version = 0, isOwn = false;
    return story.moments.lane.map(lane => {
      if (isOwn) version += 1;
      isOwn = lane === -1 || story.lanes[lane].name === name;
      return isOwn ? version += 1 : version;
    });
  });
}

// The lane that a moment is about: its own, or that of the one before.
function laneOf(story, moment) {
  for (let i = moment; i >= 0; i--) if (story.moments.lane[i] >= 0) return story.moments.lane[i];
  return 0;
}

function describe(story, views) {
  const sentences = [];
  story.lanes.forEach((lane, index) => {
    const view = views[index];
    if (!view) return;
    const words = [
      `${lane.name}: log start ${view.log_start}`, `high watermark ${view.high_watermark}`,
      `log end ${view.log_end}`, plural(view.segments.length, "segment"),
      ...(view.epoch === null || view.is_deposed ? [] : [`${lane.broker} leads in epoch ${view.epoch}`]),
      ...view.readers.map(([name, offset]) => `${name} at ${offset}`),
    ];
    sentences.push(words.join(", ") + (view.down ? "; broker down" : "") + ".");
  });
  return sentences.join(" ") || "No partition yet.";
}

// ---- windows -----------------------------------------------------------------------------------

// How many offsets a strip may show: `near` few and large, `fit` every file that ever stood in one
// log, `all` what was deleted too.
function spans(story, room) {
  let fit = 1, all = 1;
  for (const lane of story.lanes) {
    const { moment, value } = lane.log_end, { base } = lane.segments;
    moment.forEach((m, i) => {
      let first = value[i];
      base.forEach((b, s) => { if (b < first && isThere(lane.segments, s, m)) first = b; });
      fit = Math.max(fit, value[i] - first);
      all = Math.max(all, value[i] - lane.first);
    });
  }
  fit = Math.max(fit, room / FAR_PX);
  return { near: Math.min(fit, room / NEAR_PX), fit, all: Math.max(fit, all) };
}

// Where a window begins. A wish `{ offset, share }` keeps an offset at a share of the window's width,
// but no window reaches beyond the log's ends.
function windowStart(lane, end, span, wish = null) {
  const latest = Math.max(lane.first, end - span);
  return wish ? Math.max(lane.first, Math.min(latest, wish.offset - wish.share * span)) : latest;
}

// Where a lens begins: at the end of what its window shows, or around the offset in `focus`.
function lensStart(view, capacity, to, focus = null) {
  const latest = Math.max(view.first, Math.floor(Math.min(view.log_end, to)) - capacity);
  return focus === null ? latest : Math.max(view.first,
    Math.min(Math.max(view.first, view.log_end - capacity), focus - Math.floor(capacity / 2)));
}
