// When a letter that a camera sees is taken into the word. Values in, values out: no page, no clock.

export const HOLD_MS = 900; // a letter is taken when it was held so long
export const DOUBLE_MS = 1800; // and once more after so much longer
export const LEAVE_MS = 400; // a letter is over when it was not seen for so long
const LONGEST_STEP_MS = 500; // of a slow line: what nobody saw does not count as held
const BEGIN = 0.45; // confidence that begins a letter
const KEEP = 0.25; // and that keeps it, first of the guesses or not

/** What has been held so far; `see` gives the next. */
export const NOTHING = Object.freeze({ letter: null, held: 0, taken: 0, seen: 0, at: null });

/**
 * The state after a reading at `at` (ms). A reading is the API's answer:
 * `{letter, confidence, abstained, alternatives: [{letter, confidence, movement}]}`.
 * `take` in the new state is a letter that goes into the word now, else null.
 * Letters that are movements are never taken: a still picture only guesses them.
 */
export function see(state, reading, at) {
  const step = state.at === null ? 0 : Math.min(Math.max(0, at - state.at), LONGEST_STEP_MS);
  const held = { ...state, at, take: null };
  if (state.letter !== null) {
    if (supports(reading, state.letter)) return grown(held, step, at);
    if (at - state.seen <= LEAVE_MS) return held; // a flicker: neither more nor less
  }
  const begun = beginning(reading);
  return begun === null
    ? { ...NOTHING, at, take: null }
    : { letter: begun, held: 0, taken: 0, seen: at, at, take: null };
}

/** How much of the wait for the next letter is over, 0 to 1. */
export function progress(state) {
  if (state.letter === null || state.taken > 1) return 0;
  if (state.taken === 0) return Math.min(1, state.held / HOLD_MS);
  return Math.min(1, (state.held - HOLD_MS) / DOUBLE_MS);
}

function grown(state, step, at) {
  const held = state.held + step;
  const due = held >= HOLD_MS + DOUBLE_MS ? 2 : held >= HOLD_MS ? 1 : 0;
  const more = due > state.taken;
  return {
    ...state,
    held,
    seen: at,
    taken: Math.max(state.taken, due),
    take: more ? state.letter : null,
  };
}

function beginning({ alternatives: [first], abstained }) {
  if (abstained || !first || first.movement || first.confidence < BEGIN) return null;
  return first.letter;
}

function supports({ alternatives }, letter) {
  return alternatives.some((guess) => guess.letter === letter && guess.confidence >= KEEP);
}

// The text that is spelled, with what it was before

export const EMPTY = Object.freeze({ text: "", before: Object.freeze([]) });
const LONGEST = 500; // characters
const REMEMBERED = 200; // steps back

/** The text after one more `letter` or space; spaces stand alone and never first. */
export function add({ text, before }, letter) {
  const idle = letter === " " && (text === "" || text.endsWith(" "));
  if (idle || text.length >= LONGEST) return { text, before };
  return changed(text, before, text + letter);
}

export function removeLast({ text, before }) {
  return text ? changed(text, before, text.slice(0, -1)) : { text, before };
}

export function clear({ text, before }) {
  return text ? changed(text, before, "") : { text, before };
}

export function undo({ text, before }) {
  if (!before.length) return { text, before };
  return { text: before[before.length - 1], before: before.slice(0, -1) };
}

function changed(text, before, now) {
  return { text: now, before: [...before, text].slice(-REMEMBERED) };
}
