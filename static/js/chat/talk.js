// One conversation and the line to the server: what was asked, what has come, what is missing.
import { language, word } from "../words.js";
import { call } from "./calls.js";
import { keepOutbox, outbox } from "./kept.js";
import { Line } from "./line.js";
import { Thread } from "./thread.js";

const RESUME_MS = 300; // between two questions for the same missing characters

export class Talk {
  /**
   * listener: opened(thread), changed({mine}), touched(id), named(id, title, {born}),
   * finished(row), elsewhere(), line(state, words), missing(), ended()
   */
  constructor(signedIn, listener) {
    this.signedIn = signedIn;
    this.listener = listener;
    this.conversation = null;
    this.thread = new Thread();
    this.asks = new Map(); // ref → what was sent and is not accepted
    for (const [ref, ask] of Object.entries(outbox())) this.asks.set(ref, { ...ask, turn: 1 });
    this.stops = new Set(); // answers that the reader wants stopped
    this.resumed = new Map(); // id → when its missing characters were last asked for
    this.turn = 0; // number of the newest visit: what belongs to an older one does not count
    this.line = new Line("/ws/chat", {
      up: () => this.up(),
      heard: (message) => this.heard(message),
      down: (limited) => this.listener.line(limited ? "limited" : "lost"),
      ended: () => this.listener.ended(),
    });
  }

  /** Another conversation; null begins a new one. */
  async open(conversation) {
    this.turn += 1;
    this.conversation = conversation;
    this.thread = new Thread();
    this.loading = Boolean(conversation && this.signedIn); // nothing of it is here yet
    this.listener.opened(this.thread);
    this.showAsks();
    this.listener.changed();
    if (conversation) await this.join();
  }

  /** Hear first, then read what was said before: nothing falls between. */
  async join() {
    if (!this.signedIn) return;
    this.line.send({ type: "open", conversation: this.conversation });
    await this.fetch();
  }

  async up() {
    this.listener.line("live");
    this.resumed.clear();
    if (!this.signedIn) this.forgetVisit();
    if (this.conversation) await this.join();
    for (const id of this.stops) this.line.send({ type: "stop", id });
    for (const [ref, ask] of this.asks) {
      if (!ask.refused && this.line.send(ask.message)) this.setState(ref, "sending");
    }
  }

  // A visitor's conversation ends with the line: what was said stays on the page, no more.
  forgetVisit() {
    this.conversation = null;
    for (const row of this.thread.generating()) {
      this.thread.put({ ...row, state: "failed", error_words: word("visit-cut") });
    }
    this.listener.changed();
  }

  /** What the server knows of this conversation, merged into what is here. */
  async fetch() {
    const mine = this.turn;
    let told;
    try {
      told = await call("GET", `/conversations/${this.conversation}`);
    } catch (error) {
      if (mine !== this.turn) return;
      if (error.status === 404) this.listener.missing();
      else if (error.status === 401) this.listener.ended();
      else if (error.status) this.listener.line("trouble", error.message);
      return;
    }
    if (mine !== this.turn) return;
    this.loading = false;
    for (const row of told.messages) this.thread.put(withWords(row));
    this.showAsks();
    this.listener.named(told.id, told.title, {});
    this.listener.changed();
    for (const row of this.thread.generating()) this.resume(row.id);
  }

  // What comes from the server

  heard(message) {
    const act = { accepted: "accepted", began: "began", delta: "delta", source: "source" };
    const name = { ...act, text: "text", error: "error" }[message.type];
    if (name) this[name](message);
  }

  accepted(message) {
    const ask = this.asks.get(message.ref);
    if (!ask) return this.askedElsewhere(message);
    this.asks.delete(message.ref);
    this.keep();
    if (!this.isHere(ask)) return this.listener.elsewhere();
    const first = !this.conversation;
    this.conversation = message.conversation;
    this.thread.remove(message.ref);
    const { role, parent, text, attachments } = ask.local;
    if (role === "user") {
      this.thread.put({ id: message.message, role, parent, text, attachments, state: "done" });
    }
    const answer = { id: message.answer, role: "assistant", parent: message.message };
    this.thread.put({ ...answer, text: "", state: "generating" });
    this.thread.reveal(message.answer);
    if (first) this.begun();
    this.listener.changed({ mine: true });
  }

  begun() {
    this.line.send({ type: "open", conversation: this.conversation });
    this.listener.named(this.conversation, "", { born: true });
  }

  askedElsewhere(message) {
    if (message.conversation === this.conversation) this.fetch();
  }

  began(message) {
    const row = this.known(message);
    if (!row) return;
    const { engine, model, degraded } = message;
    this.thread.put({ ...row, engine, model, degraded });
    this.listener.touched(row.id);
  }

  delta(message) {
    const how = this.thread.delta(message.id, message.text, message.at);
    if (how === "taken") this.listener.touched(message.id);
    else if (how === "gap") this.resume(message.id);
  }

  source(message) {
    const row = this.known(message);
    if (!row) return;
    const { title, url } = message;
    const others = row.sources.filter((one) => one.url !== url || one.title !== title);
    this.thread.put({ ...row, sources: [...others, { title, url }] });
    this.listener.touched(row.id);
  }

  /** The last frame of an answer. */
  text(message) {
    const row = this.known(message);
    this.stops.delete(message.id);
    if (!row) return;
    const done = this.thread.put({ ...row, ...lastOf(message, row), text: message.text });
    this.listener.changed();
    if (row.state === "generating") this.listener.finished(done);
  }

  error(message) {
    if (this.asks.has(message.ref)) return this.refuse(message);
    const row = this.known(message);
    this.stops.delete(message.id);
    if (!row) return message.id ?? this.listener.line("trouble", message.error);
    if (row.state !== "generating") return;
    const state = message.code === "filtered" ? "filtered" : "failed";
    const last = { ...lastOf(message, row), state: message.state ?? state };
    const done = this.thread.put({ ...row, ...last, error_words: message.error });
    this.listener.changed();
    this.listener.finished(done);
  }

  known(message) {
    return this.thread.rows.get(message.id) ?? null; // of another conversation: it can wait
  }

  // What the reader wants

  ask(text, attachments) {
    const path = this.thread.path().filter((row) => !row.local);
    const last = path[path.length - 1];
    const message = { type: "text", text, language, conversation: this.conversation };
    if (last && this.conversation) message.parent = last.id;
    if (attachments.length) message.attachments = attachments.map((file) => file.id);
    this.post(message, { role: "user", parent: last?.id ?? null, text, attachments });
  }

  edit(row, text) {
    const { parent, attachments } = row;
    const local = { role: "user", parent, text, attachments };
    this.post({ type: "edit", id: row.id, text, language }, local);
  }

  /** An answer anew; or a question that was not taken once more. */
  retry(row) {
    const ask = this.asks.get(row.id);
    if (!ask) {
      const local = { role: "assistant", parent: row.parent, text: "", attachments: [] };
      return this.post({ type: "retry", id: row.id, language }, local);
    }
    delete ask.refused;
    this.keep();
    this.setState(row.id, this.line.send(ask.message) ? "sending" : "waiting");
    this.listener.changed();
  }

  stop(id) {
    this.stops.add(id);
    this.line.send({ type: "stop", id });
  }

  post(message, local) {
    const ref = newRef();
    const { conversation, turn } = this;
    const ask = { message: { ...message, ref }, local, conversation, turn };
    this.asks.set(ref, ask);
    this.keep();
    this.showAsk(ref, ask, this.line.send(ask.message) ? "sending" : "waiting");
    this.listener.changed({ mine: true });
  }

  showAsks() {
    for (const [ref, ask] of this.asks) {
      if (!this.isHere(ask) || this.thread.rows.has(ref)) continue;
      this.showAsk(ref, ask, ask.refused ? "refused" : this.line.ready ? "sending" : "waiting");
    }
  }

  /** Whether it belongs to what is shown; each new conversation is one of its own. */
  isHere(ask) {
    if (ask.conversation !== this.conversation) return false;
    return Boolean(this.conversation) || ask.turn === this.turn;
  }

  showAsk(ref, ask, state) {
    this.thread.put({ id: ref, ...ask.local, state, error_words: ask.refused, local: true });
    this.thread.reveal(ref);
  }

  setState(ref, state) {
    const row = this.thread.rows.get(ref);
    if (row) this.thread.put({ ...row, state });
    this.listener.touched(ref);
  }

  refuse({ ref, error, retry_after: wait }) {
    const ask = this.asks.get(ref);
    ask.refused = error;
    this.keep();
    const row = this.thread.rows.get(ref);
    if (!row) return;
    this.thread.put({ ...row, state: "refused", error_words: error });
    if (wait > 0) this.waitFor(ref, Math.ceil(wait));
    this.listener.changed();
  }

  /** Too many questions: the seconds count down, then the reader may try again. */
  waitFor(ref, seconds) {
    const row = this.thread.rows.get(ref);
    if (!row) return;
    const state = seconds > 0 ? "limited" : "refused";
    this.thread.put({ ...row, state, wait: seconds });
    this.listener.touched(ref);
    if (seconds > 0) setTimeout(() => this.waitFor(ref, seconds - 1), 1000);
  }

  /** Takes a question back that the server has not taken. */
  withdraw(ref) {
    this.asks.delete(ref);
    this.keep();
    this.thread.remove(ref);
    this.listener.changed();
  }

  keep() {
    keepOutbox(Object.fromEntries(this.asks));
  }

  resume(id) {
    const now = performance.now();
    if (now - (this.resumed.get(id) ?? -Infinity) < RESUME_MS) return;
    this.resumed.set(id, now);
    const at = this.thread.rows.get(id)?.points ?? 0;
    this.line.send({ type: "resume", conversation: this.conversation, id, at });
  }
}

function newRef() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

function lastOf(message, row) {
  const last = {};
  for (const name of ["engine", "model", "degraded", "sources"]) {
    last[name] = message[name] ?? row[name];
  }
  return { ...last, state: message.state ?? "done" };
}

const CODES = ["provider_timeout", "provider_busy", "provider_refused", "gave_up"];

function withWords(row) {
  if (!row.error) return row;
  if (row.error === "filtered") return { ...row, error_words: word("filtered") };
  return { ...row, error_words: CODES.includes(row.error) ? word(row.error) : "" };
}
