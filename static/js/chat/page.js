// The chat page: its parts, and who tells whom.
import { word } from "../words.js";
import { Composer } from "./composer.js";
import { forgetAll } from "./kept.js";
import { List } from "./list.js";
import { Talk } from "./talk.js";
import { spokenText, Turns } from "./turns.js";
import { Voice } from "./voice.js";

const part = (id) => document.getElementById(id);
const chat = part("chat");
const signedIn = chat.dataset.signedIn === "yes";
const LONGEST_SPOKEN = 600; // characters of an answer that a screen reader is told

let list = null;

const voice = new Voice((text) => composer.insert(text));

const talk = new Talk(signedIn, {
  opened: (thread) => {
    turns.show(thread, talk.loading);
    composer.setAnswering(false);
  },
  changed: ({ mine } = {}) => {
    turns.draw({ end: mine, loading: talk.loading });
    tellState();
  },
  touched: (id) => turns.touch(id),
  named: (id, title, { born } = {}) => {
    if (born && signedIn) {
      history.replaceState({ conversation: id }, "", addressOf(id));
      composer.rename(id);
      list?.show(id);
    }
    if (title && signedIn) setTitle(title);
    if (born) list?.refresh();
  },
  finished: (row) => {
    const words = row.state === "done" ? spokenText(row) : word(`spoken-${row.state}`);
    speakToReader(`${word("answered")} ${words.slice(0, LONGEST_SPOKEN)}`);
    list?.refresh();
  },
  elsewhere: () => list?.refresh(),
  line: showLine,
  missing: () => {
    leave(word("missing"));
  },
  ended: () => {
    showLine("ended");
    part("ended").hidden = false;
    part("composer").inert = true;
  },
});

const turns = new Turns(talk.thread, {
  retry: (row) => talk.retry(row),
  edit: (row, text) => {
    if (row.local) talk.withdraw(row.id);
    if (row.local) talk.ask(text, row.attachments);
    else talk.edit(row, text);
  },
  choose: (id) => {
    talk.thread.choose(id);
    turns.draw();
    tellState();
  },
  speak: (row, button) => voice.toggle(row.id, spokenText(row), button),
});

const composer = new Composer(limits(), {
  send: (text, files) => {
    voice.quiet();
    if (part("line").dataset.state === "trouble") part("line").hidden = true;
    talk.ask(text, files);
  },
  stop,
});

function limits() {
  if (!signedIn) return null;
  return JSON.parse(chat.dataset.limits);
}

const addressOf = (id) => (id ? `/asistente/${encodeURIComponent(id)}/` : "/asistente/");

function open(id, { push = true } = {}) {
  voice.quiet();
  closeDrawer();
  if (push && id !== talk.conversation) history.pushState({ conversation: id }, "", addressOf(id));
  part("missing").hidden = true;
  setTitle(id ? (list?.title(id) ?? "") : "");
  list?.show(id);
  composer.open(id);
  talk.open(id);
  if (!matchMedia("(pointer: coarse)").matches) part("text").focus();
}

function leave(words) {
  open(null);
  part("missing").textContent = words;
  part("missing").hidden = false;
}

function setTitle(title) {
  part("title").textContent = title || word("assistant");
  document.title = `${title || word("assistant")} · VisionAI`;
}

function answering() {
  return talk.thread.path().find((row) => row.state === "generating");
}

function tellState() {
  const row = answering();
  if (row && !composer.answering) speakToReader(word("answering"));
  composer.setAnswering(Boolean(row));
  const waits = ["sending", "waiting"];
  composer.hold(talk.thread.path().some((one) => one.local && waits.includes(one.state)));
}

function stop() {
  const row = answering();
  if (row) talk.stop(row.id);
}

function speakToReader(text) {
  part("spoken").textContent = text;
}

let lostAt = 0;

function showLine(state, words) {
  const note = part("line");
  clearTimeout(lostAt);
  note.dataset.state = state;
  if (state === "live") {
    note.hidden = true;
    return;
  }
  // A short break is healed before anybody has read of it.
  const tell = () => {
    note.textContent = words ?? word(`line-${state}`);
    note.hidden = false;
  };
  if (state === "lost" && navigator.onLine) lostAt = setTimeout(tell, 700);
  else tell();
}

// Keys

addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    if (!list) return;
    event.preventDefault();
    openDrawer();
    part("search").focus();
    part("search").select();
  } else if (event.key === "Escape" && !event.defaultPrevented) {
    if (document.querySelector("dialog[open], [popover]:popover-open")) return;
    if (chat.classList.contains("drawer")) closeDrawer();
    else if (voice.speaking) voice.quiet();
    else stop();
  }
});

// The list: beside the conversation, or a drawer over it

function openDrawer() {
  if (!matchMedia("(max-width: 62rem)").matches) return;
  chat.classList.add("drawer");
  part("show-list").setAttribute("aria-expanded", "true");
  part("talk").inert = true;
  part("close-list").focus();
}

function closeDrawer() {
  if (!chat.classList.contains("drawer")) return;
  chat.classList.remove("drawer");
  part("show-list").setAttribute("aria-expanded", "false");
  part("talk").inert = false;
  part("show-list").focus();
}

if (signedIn) {
  list = new List({
    open,
    renamed: (id, title) => id === talk.conversation && setTitle(title),
    gone: (id) => id === talk.conversation && leave(word("deleted")),
  });
  part("show-list").addEventListener("click", openDrawer);
  part("close-list").addEventListener("click", closeDrawer);
  part("shade").addEventListener("click", closeDrawer);
  part("new").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(null);
  });
}
for (const button of document.querySelectorAll("[data-suggestion]")) {
  button.addEventListener("click", () => talk.ask(button.textContent.trim(), []));
}
addEventListener("popstate", () => {
  open(/^\/asistente\/([^/]+)\//.exec(location.pathname)?.[1] ?? null, { push: false });
});
for (const form of document.querySelectorAll("form[action*='/salir']")) {
  form.addEventListener("submit", forgetAll);
}

open(chat.dataset.conversation || null, { push: false });
