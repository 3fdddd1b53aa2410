// A tree of Markdown as elements of the page. Text becomes text nodes, never markup.
import { copyText } from "./clipboard.js";

const LONGEST_LIT = 20_000; // characters of code that are coloured
const shown = new WeakMap(); // element → the value it was made from

/**
 * Make `root` show the blocks; those that did not change stay as they are, so that a selection
 * and a focus outlive the next words of the answer.
 */
export function showBlocks(root, blocks, words, { final = true } = {}) {
  const old = [...root.children];
  blocks.forEach((block, place) => {
    const value = JSON.stringify(block);
    const there = old[place];
    if (there && shown.get(there) === value) return;
    const made = blockOf(block, words);
    shown.set(made, value);
    if (there) there.replaceWith(made);
    else root.append(made);
  });
  for (const left of old.slice(blocks.length)) left.remove();
  light(root, final);
}

function blockOf(block, words) {
  const made = nodeOf(block, words);
  if (made.nodeType === Node.ELEMENT_NODE) return made;
  const line = document.createElement("p");
  line.append(made);
  return line;
}

function nodeOf(node, words) {
  if (typeof node === "string") return document.createTextNode(node);
  if (node.tag === "pre") return codeBlock(node, words);
  const made = document.createElement(node.tag);
  for (const [name, value] of Object.entries(node.attrs)) made.setAttribute(name, value);
  made.append(...node.children.map((child) => nodeOf(child, words)));
  if (node.tag !== "table") return made;
  return boxed(made, words.table);
}

// A wide table scrolls in a box of its own, with the keyboard too.
function boxed(table, name) {
  const box = document.createElement("div");
  box.className = "table-box";
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name);
  box.append(table);
  return box;
}

function codeBlock(node, words) {
  const box = document.createElement("figure");
  box.className = "code";
  const head = document.createElement("figcaption");
  const language = document.createElement("span");
  language.textContent = node.attrs.language ?? "";
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "linklike";
  copy.textContent = words.copy;
  copy.addEventListener("click", () => copyText(node.children[0], copy, words));
  head.append(language, copy);
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  const code = document.createElement("code");
  code.textContent = node.children[0];
  if (node.attrs.language) code.dataset.language = node.attrs.language.toLowerCase();
  pre.append(code);
  box.append(head, pre);
  return box;
}

// Colours for code, once it is whole.

let lamp = null;

function light(root, final) {
  for (const code of root.querySelectorAll("code[data-language]:not([data-lit])")) {
    const block = code.closest("figure");
    if (!final && block === root.lastElementChild) continue;
    if (code.textContent.length > LONGEST_LIT) continue;
    code.dataset.lit = "";
    colour(code).catch(() => {}); // code without colours is code all the same
  }
}

async function colour(code) {
  lamp ??= import("../../vendor/highlight.js/highlight.min.mjs");
  const lights = (await lamp).default;
  if (!lights.getLanguage(code.dataset.language)) return;
  const text = code.textContent;
  const told = lights.highlight(text, { language: code.dataset.language, ignoreIllegals: true });
  const pieces = told._emitter.root.children.map(litPiece);
  const made = document.createDocumentFragment();
  made.append(...pieces);
  if (made.textContent === text) code.replaceChildren(made);
}

function litPiece(piece) {
  if (typeof piece === "string") return document.createTextNode(piece);
  const span = document.createElement("span");
  const scope = /^[a-z]+/.exec(piece.scope ?? "");
  if (scope) span.className = `lit-${scope[0]}`;
  span.append(...piece.children.map(litPiece));
  return span;
}
