// The messages of a conversation on the page. Each is drawn again at most once a frame.
import { word, filled } from "../words.js";
import { attachmentAddress } from "./calls.js";
import { copyText } from "./clipboard.js";
import { plainText, readMarkdown, safeAddress } from "./markdown.js";
import { showBlocks } from "./markdown-view.js";

const part = (id) => document.getElementById(id);
const NEAR = 80; // pixels from the end that still count as the end

export class Turns {
  /** acts: retry(row), edit(row, text), choose(id), speak(row, button) */
  constructor(thread, acts) {
    this.thread = thread;
    this.acts = acts;
    this.items = new Map(); // id → its element
    this.drawn = new Map(); // id → all that its element shows, as it was drawn last
    this.stale = new Set();
    this.frame = 0;
    this.pause = 0; // until when the next drawing waits: a long text takes long
    this.words = {
      copy: word("copy"),
      copied: word("copied"),
      notCopied: word("not-copied"),
      table: word("table"),
    };
    this.box = part("scroll");
    this.stuck = true; // the reader is at the end and wants to stay there
    this.top = 0;
    this.box.addEventListener("scroll", () => this.scrolled());
    const grown = new ResizeObserver(() => this.follow());
    for (const id of ["turns", "scroll"]) grown.observe(part(id));
    part("down").addEventListener("click", () => {
      this.stuck = true;
      this.follow();
    });
  }

  /** Another conversation, or none. */
  show(thread, loading) {
    this.thread = thread;
    this.items.clear();
    this.drawn.clear();
    part("turns").replaceChildren();
    this.draw({ end: true, loading });
  }

  /** The shown branch as it is now. */
  draw({ end = false, loading = false } = {}) {
    this.stuck ||= end;
    const path = this.thread.path();
    const wanted = path.map((row) => this.item(row));
    const list = part("turns");
    for (const there of [...list.children]) if (!wanted.includes(there)) there.remove();
    wanted.forEach((item, place) => {
      if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
    });
    for (const row of path) this.fill(row);
    part("empty").hidden = loading || path.length > 0;
    part("loading").hidden = !loading || path.length > 0;
    this.follow();
  }

  /** Something of this message is new. */
  touch(id) {
    this.stale.add(id);
    if (this.frame) return;
    const wait = Math.max(0, this.pause - performance.now());
    const later = () => requestAnimationFrame(() => this.drawStale());
    this.frame = wait > 16 ? setTimeout(later, wait) : later() || 1;
    if (document.hidden) setTimeout(() => this.drawStale(), wait); // a hidden tab has no frames
  }

  drawStale() {
    this.frame = 0;
    if (!this.stale.size) return;
    const began = performance.now();
    for (const id of this.stale) {
      const row = this.thread.rows.get(id);
      if (row && this.items.get(id)?.isConnected) this.fill(row);
    }
    this.stale.clear();
    this.follow();
    this.pause = performance.now() + 4 * (performance.now() - began);
  }

  atEnd() {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < NEAR;
  }

  // Only a move upwards is the reader's own wish: what grows below moves nothing.
  scrolled() {
    if (this.atEnd()) this.stuck = true;
    else if (this.box.scrollTop < this.top - 2) this.stuck = false;
    this.top = this.box.scrollTop;
    this.showDown();
  }

  follow() {
    if (this.stuck) this.toEnd();
    this.showDown();
  }

  toEnd() {
    this.box.scrollTo({ top: this.box.scrollHeight, behavior: "instant" });
  }

  showDown() {
    part("down").hidden = this.stuck || this.atEnd();
  }

  item(row) {
    const there = this.items.get(row.id);
    if (there) return there;
    const kind = row.role === "user" ? "turn-user" : "turn-assistant";
    const made = part(kind).content.cloneNode(true).firstElementChild;
    made.dataset.id = row.id;
    this.items.set(row.id, made);
    const press = (name, act) =>
      made.querySelector(`.${name}`)?.addEventListener("click", (event) => {
        const now = this.thread.rows.get(row.id);
        if (now) act(now, event.currentTarget);
      });
    press("copy", (now, button) => copyText(now.text, button, this.words));
    press("retry", (now) => this.acts.retry(now));
    press("speak", (now, button) => this.acts.speak(now, button));
    press("edit", (now) => this.beginEdit(now, made));
    press("previous", (now) => this.step(now, -1));
    press("next", (now) => this.step(now, 1));
    return made;
  }

  step(row, by) {
    const ids = this.thread.branches(row.id);
    const next = ids[ids.indexOf(row.id) + by];
    if (!next) return;
    this.acts.choose(next);
    this.items.get(next)?.querySelector(by < 0 ? ".previous" : ".next")?.focus();
  }

  fill(row) {
    const branches = this.thread.branches(row.id);
    const now = [row.text, JSON.stringify({ ...row, text: "" }), branches.join()];
    const before = this.drawn.get(row.id);
    if (before?.every((value, place) => value === now[place])) return;
    this.drawn.set(row.id, now);
    const item = this.items.get(row.id);
    item.dataset.state = row.state;
    if (row.role === "user") item.querySelector(".said").textContent = row.text;
    else this.fillAnswer(item, row);
    this.fillBranches(item, row, branches);
    this.fillFiles(item, row);
    this.fillOutcome(item, row);
  }

  fillAnswer(item, row) {
    const final = row.state !== "generating";
    const blocks = readMarkdown(row.text, location.origin);
    showBlocks(item.querySelector(".answer"), blocks, this.words, { final });
    item.querySelector(".writing").hidden = final;
    item.querySelector(".turn-tools").hidden = !final;
    item.setAttribute("aria-busy", String(!final));
    for (const name of ["copy", "speak"]) item.querySelector(`.${name}`).hidden = !row.text;
    const engine = item.querySelector(".engine");
    engine.hidden = !row.engine;
    engine.textContent = engineName(row);
    engine.title = row.model ?? "";
    item.querySelector(".degraded").hidden = !row.degraded;
    this.fillSources(item, row);
  }

  fillSources(item, row) {
    const list = item.querySelector(".sources ul");
    const value = JSON.stringify(row.sources ?? []);
    if (list.dataset.value === value) return;
    list.dataset.value = value;
    list.replaceChildren(...(row.sources ?? []).map(sourceLine));
    item.querySelector(".sources").hidden = !list.children.length;
  }

  fillBranches(item, row, ids) {
    const here = ids.indexOf(row.id);
    const box = item.querySelector(".branches");
    box.hidden = ids.length < 2;
    box.querySelector(".place").textContent = `${here + 1}/${ids.length}`;
    box.querySelector(".previous").disabled = here <= 0;
    box.querySelector(".next").disabled = here === ids.length - 1;
  }

  fillFiles(item, row) {
    const list = item.querySelector(".files");
    if (!list || list.children.length === row.attachments.length) return;
    list.replaceChildren(...row.attachments.map(fileLine));
    list.hidden = !row.attachments.length;
  }

  fillOutcome(item, row) {
    const note = item.querySelector(".outcome");
    const told = outcomeOf(row);
    note.hidden = !told;
    note.className = `outcome ${told?.look ?? ""}`;
    const words = note.querySelector(".outcome-words");
    if (told && words.textContent !== told.words) words.textContent = told.words;
    note.querySelector(".again").hidden = !told?.again;
    note.querySelector(".again").onclick = () => this.acts.retry(this.thread.rows.get(row.id));
  }

  beginEdit(row, item) {
    if (item.querySelector("form")) return;
    const form = part("edit-form").content.cloneNode(true).firstElementChild;
    const field = form.querySelector("textarea");
    field.value = row.text;
    const leave = () => {
      form.remove();
      item.classList.remove("edited");
      item.querySelector(".edit").focus();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (!text) return;
      leave();
      this.acts.edit(row, text);
    });
    form.querySelector(".cancel").addEventListener("click", leave);
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        leave();
      } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        if (event.target !== field) return;
        event.preventDefault();
        form.requestSubmit();
      }
    });
    item.classList.add("edited");
    item.querySelector(".bubble").append(form);
    field.focus();
  }
}

/** The answer as a voice says it: without marks, code left out. */
export function spokenText(row) {
  const blocks = readMarkdown(row.text, location.origin).filter((block) => block.tag !== "pre");
  return plainText(blocks);
}

function engineName(row) {
  if (row.engine === "embedded") return word("engine-embedded");
  return row.model ? `${row.engine} · ${row.model}` : (row.engine ?? "");
}

function outcomeOf(row) {
  switch (row.state) {
    case "sending":
      return { words: word("sending"), look: "soft small" };
    case "waiting":
      return { words: word("waiting"), look: "soft small" };
    case "stopped":
      return { words: word("stopped"), look: "soft small" };
    case "filtered":
      return { words: row.error_words || word("filtered"), look: "note warning" };
    case "refused":
    case "failed":
      return { words: row.error_words || word("failed"), look: "note error", again: true };
    case "limited":
      return { words: filled("limited", { seconds: row.wait }), look: "note warning" };
    default:
      return null;
  }
}

function sourceLine(source) {
  const line = document.createElement("li");
  const href = safeAddress(source.url ?? "", location.origin);
  const name = document.createElement(href ? "a" : "span");
  name.textContent = source.title || source.url;
  name.dir = "auto";
  if (href) name.href = href;
  if (href && new URL(href).origin !== location.origin) {
    name.rel = "noopener noreferrer nofollow";
    name.target = "_blank";
  }
  line.append(name);
  return line;
}

function fileLine(file) {
  const line = document.createElement("li");
  const link = document.createElement("a");
  link.href = attachmentAddress(encodeURIComponent(file.id));
  link.target = "_blank";
  link.rel = "noopener";
  if (file.media_type?.startsWith("image/")) {
    const image = document.createElement("img");
    image.src = link.href;
    image.alt = "";
    image.loading = "lazy";
    link.append(image);
  }
  const name = document.createElement("span");
  name.textContent = file.name;
  name.dir = "auto";
  link.append(name);
  line.append(link);
  return line;
}
