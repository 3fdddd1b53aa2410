// Pictures and text files beside a message: dropped, pasted or chosen, sent at once.
import { filled, word } from "../words.js";
import { attachmentAddress, call } from "./calls.js";

const part = (id) => document.getElementById(id);

// What a look at the kind refuses; the server reads the rest and has the last word.
const NO_TEXT = /^(image|video|audio|font)\/|pdf|zip|msword|officedocument|opendocument/;

export class Files {
  /** changed(): the list is another. `limits`: {count, pictureBytes, textBytes, pictures} */
  constructor(limits, changed) {
    this.limits = limits;
    this.changed = changed;
    this.list = []; // {key, name, media_type, size, id?, state, preview?, trouble?}
    this.keys = 0;
    if (!limits) return;
    part("attach").addEventListener("click", () => part("pick").click());
    part("pick").addEventListener("change", () => {
      this.add([...part("pick").files]);
      part("pick").value = "";
    });
    this.takeDrops();
    addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      // A piece of a document comes as text and as its picture: then the text is meant.
      if (!files.length || event.clipboardData.types.includes("text/plain")) return;
      event.preventDefault();
      this.add(files);
    });
  }

  takeDrops() {
    const area = part("talk");
    let inside = 0;
    const files = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    addEventListener("dragenter", (event) => {
      if (files(event)) area.classList.toggle("over", ++inside > 0);
    });
    addEventListener("dragleave", (event) => {
      if (files(event)) area.classList.toggle("over", --inside > 0);
    });
    addEventListener("dragover", (event) => files(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      inside = 0;
      area.classList.remove("over");
      this.add([...event.dataTransfer.files]);
    });
  }

  get ready() {
    return this.list.filter((file) => file.state === "ready");
  }

  get busy() {
    return this.list.some((file) => file.state === "sending");
  }

  /** Those of a draft: the server has them already. */
  restore(files) {
    this.clear();
    this.list = files.map((file) => ({ ...file, key: ++this.keys, state: "ready" }));
    this.draw();
  }

  clear() {
    for (const file of this.list) if (file.preview) URL.revokeObjectURL(file.preview);
    this.list = [];
    this.draw();
  }

  add(files) {
    for (const file of files) {
      const { name, type, size } = file;
      const row = { key: ++this.keys, name: name || word("pasted"), media_type: type, size };
      row.trouble = this.refusal(row);
      row.state = row.trouble ? "refused" : "sending";
      if (!row.trouble && type.startsWith("image/")) row.preview = URL.createObjectURL(file);
      this.list.push(row);
      if (!row.trouble) this.send(row, file);
    }
    this.draw();
  }

  refusal(row) {
    const { count, pictureBytes, textBytes, pictures } = this.limits;
    if (this.list.filter((one) => one.state !== "refused").length >= count) {
      return filled("too-many-files", { count });
    }
    const picture = pictures.includes(row.media_type);
    if (!picture && NO_TEXT.test(row.media_type)) return word("wrong-file");
    const most = picture ? pictureBytes : textBytes;
    return row.size > most ? filled("file-too-large", { most: sizeWords(most) }) : "";
  }

  async send(row, file) {
    const form = new FormData();
    form.append("file", file, row.name);
    try {
      const kept = await call("POST", "/attachments", form);
      if (!this.list.includes(row)) return;
      Object.assign(row, kept, { state: "ready" });
    } catch (error) {
      row.state = "refused";
      row.trouble = error.message;
    }
    this.draw();
  }

  remove(row) {
    if (row.preview) URL.revokeObjectURL(row.preview);
    this.list = this.list.filter((one) => one !== row);
    this.draw();
    part("text").focus();
  }

  draw() {
    part("files").replaceChildren(...this.list.map((row) => this.chip(row)));
    part("files").hidden = !this.list.length;
    this.changed();
  }

  chip(row) {
    const made = part("file").content.cloneNode(true).firstElementChild;
    made.dataset.state = row.state;
    made.querySelector(".name").textContent = row.name;
    made.querySelector(".facts").textContent =
      row.trouble || (row.state === "sending" ? word("uploading") : sizeWords(row.size));
    const image = made.querySelector("img");
    const picture = row.media_type?.startsWith("image/");
    const source = row.preview ?? (picture && row.id ? attachmentAddress(row.id) : "");
    image.hidden = !source;
    if (source) image.src = source;
    const remove = made.querySelector("button");
    remove.setAttribute("aria-label", filled("remove-file", { name: row.name }));
    remove.addEventListener("click", () => this.remove(row));
    return made;
  }
}

export function sizeWords(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const [unit, share] = bytes >= 2 ** 20 ? ["MB", 2 ** 20] : ["kB", 2 ** 10];
  const number = (bytes / share).toLocaleString(document.documentElement.lang, {
    maximumFractionDigits: 1,
  });
  return `${number} ${unit}`;
}
