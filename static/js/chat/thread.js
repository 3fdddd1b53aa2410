// A conversation as a tree: an edited question or a retried answer is a second branch. Pure.

/** How many characters a text has as the server counts them: code points. */
export function pointsIn(text) {
  let points = 0;
  for (const _point of text) points += 1;
  return points;
}

/** The text from the code point `at` on. */
export function fromPoint(text, at) {
  return at <= 0 ? text : [...text].slice(at).join("");
}

const NONE = "";

export class Thread {
  constructor() {
    this.rows = new Map(); // id → row, in the order in which they came
    this.chosen = new Map(); // parent's id → the child that is shown
  }

  /** Add a message or what is new of it; the text of a known one is never made shorter. */
  put(row) {
    const old = this.rows.get(row.id);
    const made = { parent: null, text: "", state: "done", sources: [], attachments: [], ...old };
    const next = { ...made, ...row };
    next.points = pointsIn(next.text);
    if (old && next.state === "generating") {
      if (old.state !== "generating") next.state = old.state; // news that came late
      if (old.points > next.points) [next.text, next.points] = [old.text, old.points];
    }
    this.rows.set(row.id, next);
    if (!old) this.chosen.set(next.parent ?? NONE, next.id); // the newest branch is the one shown
    return next;
  }

  /** "taken", "known" (nothing new), or "gap": characters before `at` are missing here. */
  delta(id, text, at) {
    const row = this.rows.get(id);
    if (!row || row.state !== "generating") return "known";
    if (at > row.points) return "gap";
    const rest = fromPoint(text, row.points - at);
    if (!rest) return "known";
    row.text += rest;
    row.points += pointsIn(rest);
    return "taken";
  }

  remove(id) {
    const row = this.rows.get(id);
    if (!row) return;
    this.rows.delete(id);
    const key = row.parent ?? NONE;
    if (this.chosen.get(key) !== id) return;
    const left = this.children(row.parent);
    if (left.length) this.chosen.set(key, left[left.length - 1].id);
    else this.chosen.delete(key);
  }

  children(parent) {
    return [...this.rows.values()].filter((row) => (row.parent ?? NONE) === (parent ?? NONE));
  }

  /** The messages that are shown, first to last. */
  path() {
    const shown = [];
    const seen = new Set();
    for (let id = this.chosen.get(NONE); id && !seen.has(id); id = this.chosen.get(id)) {
      const row = this.rows.get(id);
      if (!row) break;
      seen.add(id);
      shown.push(row);
    }
    return shown;
  }

  /** The messages beside this one, itself among them. */
  branches(id) {
    return this.children(this.rows.get(id)?.parent).map((row) => row.id);
  }

  choose(id) {
    const row = this.rows.get(id);
    if (row) this.chosen.set(row.parent ?? NONE, id);
  }

  /** Show the branch that holds this message. */
  reveal(id) {
    const seen = new Set();
    for (let row = this.rows.get(id); row && !seen.has(row.id); row = this.rows.get(row.parent)) {
      seen.add(row.id);
      this.choose(row.id);
    }
  }

  generating() {
    return [...this.rows.values()].filter((row) => row.state === "generating");
  }
}
