// Where the reader writes: keys, draft, files, send and stop.
import { draft, keepDraft } from "./kept.js";
import { Files } from "./files.js";

const part = (id) => document.getElementById(id);

export class Composer {
  /** acts: send(text, files), stop() */
  constructor(limits, acts) {
    this.acts = acts;
    this.conversation = null;
    this.field = part("text");
    this.files = new Files(limits, () => this.changed());
    this.answering = false;
    this.held = false; // until the server has taken the question before
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => this.key(event));
    part("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    part("stop").addEventListener("click", () => this.acts.stop());
  }

  key(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    // A screen keyboard has no Shift+Enter: there Enter is a new line, and a button sends.
    if (event.shiftKey || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    this.send();
  }

  send() {
    const text = this.field.value.trim();
    const files = this.files.ready;
    if ((!text && !files.length) || this.files.busy || this.answering || this.held) return;
    this.field.value = "";
    this.files.clear();
    this.changed();
    this.acts.send(text, files.map(kept));
  }

  /** The draft of another conversation. */
  open(conversation) {
    this.conversation = conversation;
    const kept = draft(conversation);
    this.field.value = kept?.text ?? "";
    this.files.restore(kept?.files ?? []);
  }

  /** Its conversation has got a name: what is written stays. */
  rename(conversation) {
    keepDraft(this.conversation, "", []);
    this.conversation = conversation;
    this.changed();
  }

  /** More words for the field, as from the microphone. */
  insert(text) {
    const before = this.field.value;
    this.field.value = before && !/\s$/.test(before) ? `${before} ${text}` : before + text;
    this.changed();
    this.field.focus();
  }

  hold(held) {
    this.held = held;
    this.changed();
  }

  setAnswering(answering) {
    if (this.answering === answering) return;
    this.answering = answering;
    const held = [part("send"), part("stop")].includes(document.activeElement);
    part("stop").hidden = !answering;
    part("send").hidden = answering;
    if (held) this.field.focus();
  }

  changed() {
    const files = this.files?.ready ?? [];
    keepDraft(this.conversation, this.field.value, files.map(kept));
    const nothing = !this.field.value.trim() && !files.length;
    part("send").disabled = nothing || this.held || Boolean(this.files?.busy);
    if (CSS.supports("field-sizing", "content")) return;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight + 2}px`;
  }
}

// What the server knows a file by.
const kept = ({ id, name, media_type, size }) => ({ id, name, media_type, size });
