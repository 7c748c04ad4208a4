// The model of the widget `Pipelines`: systems joined each to each, and the same through one log.
//
//     start, acts ─► run(until a second) ─► state
//
//     each to each   source ─► buffer ▭▭▭▭▭ ─► target      for every pair
//     one log        source ─► buffer ▭▭▭▭▭ ─► log         once
//                              log ─► position ─► target   once
//
// A program is what moves records between two of them. Both sides get the same programs, buffers
// and rules; only what is joined with what differs.
//
// A state is a function of what the reader did and when, so undo is running again with one act
// less, and everybody who does the same sees the same.
//
// This is not Kafka. There is one partition and one copy, written is committed, nothing is deleted,
// and messages take no time. The log never breaks. A record means the same to every target, so on
// the right one agreed format is enough; in life that agreement is work too.

// What a full buffer does to the source that fills it: it waits, or drops the next record.
const SOURCES = { shop: "waits", payments: "waits", sensors: "drops", clicks: "drops", support: "waits", stock: "drops" };
const TARGETS = ["billing", "search", "reports", "mail", "fraud", "archive"];
const LOG = "log";
const BUFFER = 5, CARRIED = 3, READ = 12, WORK = 4; // records, records a second (twice), seconds a program

const isSource = name => name in SOURCES;
const systems = state => [...state.sources, ...state.targets];
const find = (state, name) => systems(state).find(system => system.name === name);
const isUp = (state, name) => name === LOG || !find(state, name).broken;
const touching = (side, name) => side.programs.filter(p => p.from === name || p.to === name);

// A program that moves records. `todo` is the work left on it: one that is new or out of date moves none.
const program = (from, to) => ({ from, to, queue: 0, lost: 0, carried: 0, position: 0, isNew: true, todo: WORK });

function begin({ sources, targets }) {
  const side = () => ({ programs: [], written: 0, lost: 0, waited: 0, stalled: {} });
  const state = { tick: 0, sources: [], targets: [], end: 0, direct: side(), log: side() };
  for (const name of [...Object.keys(SOURCES).slice(0, sources), ...TARGETS.slice(0, targets)]) add(state, name);
  for (const each of [state.direct, state.log]) for (const one of each.programs) finish(each, one);
  return state;
}

function finish(side, one) {
  Object.assign(one, { isNew: false, todo: 0 });
  side.written++;
}

function add(state, name) {
  const [own, others] = isSource(name) ? [state.sources, state.targets] : [state.targets, state.sources];
  const join = other => isSource(name) ? program(name, other) : program(other, name);
  own.push({ name, broken: false, since: state.tick });
  state.direct.programs.push(...others.map(other => join(other.name)));
  state.log.programs.push(join(LOG));
}

function remove(state, name) {
  state.sources = state.sources.filter(system => system.name !== name);
  state.targets = state.targets.filter(system => system.name !== name);
  for (const side of [state.direct, state.log]) {
    forget(side, name);
    side.programs = side.programs.filter(p => p.from !== name && p.to !== name);
  }
}

// A buffer is memory of its source: it is gone when that breaks or goes.
function forget(side, name) {
  delete side.stalled[name];
  for (const one of side.programs.filter(p => p.from === name)) {
    side.lost += one.queue;
    one.queue = 0;
  }
}

function fail(state, name) {
  Object.assign(find(state, name), { broken: true, since: state.tick });
  for (const side of [state.direct, state.log]) forget(side, name);
}

function repair(state, name) { Object.assign(find(state, name), { broken: false, since: state.tick }); }

function swap(state, name) {
  for (const side of [state.direct, state.log]) for (const one of touching(side, name)) one.todo = WORK;
}

const VERBS = { add, remove, break: fail, repair, swap };

// One second: both sides get the same records offered.
function second(state) {
  state.tick++;
  for (const side of [state.direct, state.log]) {
    work(side);
    for (const source of state.sources) if (!source.broken) make(side, source.name);
    for (const one of side.programs) if (one.from !== LOG) carry(state, side, one);
    for (const one of side.programs) if (one.from === LOG) read(state, one);
  }
}

// A team writes one program after the other.
function work(side) {
  const next = side.programs.find(one => one.todo);
  if (next && --next.todo === 0) finish(side, next);
}

function make(side, name) {
  const own = side.programs.filter(p => p.from === name && !p.isNew);
  if (SOURCES[name] === "waits" && own.some(p => p.queue === BUFFER)) {
    side.stalled[name] = (side.stalled[name] ?? 0) + 1;
    side.waited++;
    return;
  }
  delete side.stalled[name];
  for (const one of own) {
    if (one.queue < BUFFER) one.queue++;
    else { one.lost++; side.lost++; }
  }
}

function carry(state, side, one) {
  const runs = !one.todo && isUp(state, one.from) && isUp(state, one.to);
  one.carried = runs ? Math.min(CARRIED, one.queue) : 0;
  one.queue -= one.carried;
  if (one.to === LOG) state.end += one.carried;
  if (!one.queue) one.lost = 0;
}

function read(state, one) {
  one.carried = !one.todo && isUp(state, one.to) ? Math.min(READ, state.end - one.position) : 0;
  one.position += one.carried;
}

function run(start, acts, tick) {
  const state = begin(start);
  for (const [at, verb, name] of acts) {
    while (state.tick < at) second(state);
    VERBS[verb](state, name);
  }
  while (state.tick < tick) second(state);
  return state;
}

// ---- in words ----------------------------------------------------------------------------------

const formula = (state, sign) => {
  const [n, m] = [state.sources.length, state.targets.length];
  return `${n} ${sign} ${m} = ${sign === "×" ? n * m : n + m}`;
};
const todo = side => side.programs.filter(one => one.todo).length;
const lag = (state, name) => state.end - state.log.programs.find(p => p.from === LOG && p.to === name).position;

// What an act costs on either side. Counted after it, or for a removal before it.
function cost(state, [, verb, name]) {
  const many = touching(state.direct, name).length, one = touching(state.log, name).length;
  const pipelines = plural(many, "pipeline"), programs = plural(one, "program");
  return {
    add: `Add ${name}: each to each, ${pipelines} must be written; with one log, ${programs}.`,
    remove: `Remove ${name}: each to each, ${pipelines} ${many === 1 ? "goes" : "go"}; with one log, ${programs}.`,
    swap: `Swap the database of ${name}: each to each, ${pipelines} must change; with one log, ${programs}.`,
    break: isSource(name) ? `Break ${name}: nothing new comes from it, and what waited in its memory is lost.`
      : `Break ${name}: each to each, ${plural(many, "source")} cannot send; with one log only its own position stands still.`,
    repair: isSource(name) ? `Repair ${name}: it makes records again.`
      : `Repair ${name}: each to each, buffers empty into it; from the log it reads on at its position.`,
  }[verb];
}

// Both sides with every count, a line each.
function describe(state) {
  const counts = side => `${plural(todo(side), "program")} to write, ${plural(side.lost, "record")} lost, ` +
    `sources waited ${side.waited} s`;
  const broken = systems(state).filter(s => s.broken).map(s => `${s.name} broken since ${s.since} s`);
  const lags = state.targets.map(({ name }) => [name, lag(state, name)]).filter(([, far]) => far)
    .map(([name, far]) => `${name} lags ${far}`);
  return [[`After ${state.tick} s`, ...broken].join(", "),
    `each to each: ${formula(state, "×")} pipelines, ${counts(state.direct)}`,
    `one log: ${formula(state, "+")} programs, ${counts(state.log)}, log end ${state.end}`,
    ...(lags.length ? [`behind: ${lags.join(", ")}`] : [])].join("\n");
}
