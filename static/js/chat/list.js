// The reader's conversations: found, renamed, exported, deleted.
import { filled, language, word } from "../words.js";
import { call, exportAddress } from "./calls.js";

const part = (id) => document.getElementById(id);
const PAGE = 30;
const TYPING_MS = 250;

export class List {
  /** acts: open(id | null), gone(id), renamed(id, title) */
  constructor(acts) {
    this.acts = acts;
    this.current = null;
    this.rows = [];
    this.asked = 0; // number of the newest question to the server: older answers do not count
    this.more = false;
    this.about = null; // the conversation whose menu or dialog is open
    this.other = new BroadcastChannel("visionai-chat"); // tabs tell each other
    this.other.addEventListener("message", (event) => this.heard(event.data));
    this.listen();
    this.refresh();
  }

  listen() {
    let typing = 0;
    part("search").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.refresh(), TYPING_MS);
    });
    part("chats").addEventListener("keydown", (event) => this.walk(event));
    part("conversations").addEventListener("click", (event) => this.pressed(event));
    part("more").addEventListener("click", () => this.refresh({ further: true }));
    part("menu-here").addEventListener("click", (event) => this.openMenu(this.current, event.currentTarget));
    part("menu-rename").addEventListener("click", () => this.askName());
    part("menu-delete").addEventListener("click", () => this.askDelete());
    part("rename").addEventListener("close", () => this.rename());
    part("delete").addEventListener("close", () => this.delete());
    for (const id of ["rename", "delete"]) {
      part(id).querySelector(".cancel").addEventListener("click", () => part(id).close(""));
    }
    for (const link of part("row-menu").querySelectorAll("a")) {
      link.addEventListener("click", () => part("row-menu").hidePopover());
    }
  }

  heard(told) {
    if (told.gone) this.acts.gone(told.gone, { elsewhere: true });
    if (told.renamed) this.acts.renamed(told.renamed, told.title);
    this.refresh();
  }

  tell(message) {
    this.other.postMessage(message);
    this.refresh();
  }

  show(id) {
    this.current = id;
    part("menu-here").hidden = !id;
    this.draw();
  }

  title(id) {
    return this.rows.find((row) => row.id === id)?.title ?? "";
  }

  async refresh({ further = false } = {}) {
    const mine = ++this.asked;
    const words = part("search").value.trim();
    const offset = further ? this.rows.length : 0;
    const limit = further ? PAGE : Math.max(PAGE, Math.min(this.rows.length, 100));
    const query = new URLSearchParams({ limit, offset });
    if (words) query.set("q", words);
    try {
      const answer = await call("GET", `/conversations?${query}`);
      if (mine !== this.asked) return;
      this.rows = further ? [...this.rows, ...answer] : answer;
      this.more = answer.length === limit;
      this.note(this.rows.length ? "" : words ? filled("none-found", { words }) : word("none-yet"));
    } catch (error) {
      if (mine !== this.asked) return;
      this.note(error.message);
    }
    const here = this.rows.find((row) => row.id === this.current);
    if (here) this.acts.renamed(here.id, here.title); // a new one has its name from the server
    this.draw();
  }

  note(text) {
    part("list-note").textContent = text;
    part("list-note").hidden = !text;
  }

  draw() {
    const focused = document.activeElement?.closest?.("li[data-conversation]")?.dataset.conversation;
    part("conversations").replaceChildren(...this.rows.map((row) => this.line(row)));
    part("more").hidden = !this.more;
    if (focused) part("conversations").querySelector(`[data-conversation="${CSS.escape(focused)}"] a`)?.focus();
  }

  line(row) {
    const made = part("conversation").content.cloneNode(true).firstElementChild;
    made.dataset.conversation = row.id;
    const link = made.querySelector("a");
    link.href = `/asistente/${encodeURIComponent(row.id)}/`;
    link.querySelector(".name").textContent = row.title || word("untitled");
    const when = link.querySelector("time");
    when.dateTime = row.updated_at;
    when.textContent = moment(row.updated_at);
    link.querySelector(".found").textContent = row.found ?? "";
    link.querySelector(".found").hidden = !row.found;
    made.querySelector(".busy").hidden = !row.generating;
    if (row.id === this.current) link.setAttribute("aria-current", "page");
    made.querySelector("button").setAttribute("aria-label", filled("menu-of", { title: row.title || word("untitled") }));
    return made;
  }

  pressed(event) {
    const id = event.target.closest("li")?.dataset.conversation;
    if (!id) return;
    const button = event.target.closest("button");
    if (button) {
      this.openMenu(id, button);
    } else if (event.target.closest("a") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.acts.open(id);
    }
  }

  /** Arrows walk from the search field through the list. */
  walk(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const stops = [part("search"), ...part("conversations").querySelectorAll("a")];
    const here = stops.indexOf(document.activeElement);
    const next = stops[here + (event.key === "ArrowDown" ? 1 : -1)];
    if (here < 0 || !next) return;
    event.preventDefault();
    next.focus();
  }

  openMenu(id, button) {
    this.about = id;
    const menu = part("row-menu");
    part("menu-markdown").href = exportAddress(id, "markdown");
    part("menu-json").href = exportAddress(id, "json");
    menu.showPopover();
    const place = button.getBoundingClientRect();
    const left = Math.max(8, Math.min(place.left, innerWidth - menu.offsetWidth - 8));
    const below = place.bottom + 4;
    const top = below + menu.offsetHeight > innerHeight ? place.top - menu.offsetHeight - 4 : below;
    menu.style.left = `${left}px`;
    menu.style.top = `${Math.max(8, top)}px`;
    menu.querySelector("button").focus();
  }

  askName() {
    part("row-menu").hidePopover();
    part("new-name").value = this.title(this.about) || part("title").textContent;
    part("rename").returnValue = "";
    part("rename").showModal();
    part("new-name").select();
  }

  async rename() {
    const title = part("new-name").value.trim();
    if (part("rename").returnValue !== "yes" || !title) return;
    const id = this.about;
    try {
      const row = await call("PATCH", `/conversations/${id}`, { title });
      this.acts.renamed(id, row.title);
      this.tell({ renamed: id, title: row.title });
    } catch (error) {
      this.note(error.message);
    }
  }

  askDelete() {
    part("row-menu").hidePopover();
    part("delete-name").textContent = this.title(this.about) || part("title").textContent;
    part("delete").returnValue = "";
    part("delete").showModal();
  }

  async delete() {
    if (part("delete").returnValue !== "yes") return;
    const id = this.about;
    try {
      await call("DELETE", `/conversations/${id}`);
    } catch (error) {
      if (error.status !== 404) return this.note(error.message);
    }
    this.rows = this.rows.filter((row) => row.id !== id);
    this.acts.gone(id, {});
    this.tell({ gone: id });
  }
}

const sameDay = new Intl.DateTimeFormat(language, { timeStyle: "short" });
const otherDay = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
const otherYear = new Intl.DateTimeFormat(language, { dateStyle: "medium" });

function moment(text) {
  const at = new Date(text);
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return sameDay.format(at);
  return (at.getFullYear() === now.getFullYear() ? otherDay : otherYear).format(at);
}
