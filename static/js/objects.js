// The page of objects: each picture goes to the API by itself, its findings are drawn over it.
import { csrfToken } from "./api.js";
import { csvCell, saveAs } from "./download.js";
import { takePictures } from "./picking.js";
import { language, oneDecimal, percent, word } from "./words.js";

const WIDEST = 960; // pixels of the preview
const HUES = { face: "#ffd166", eye: "#7bdff2", person: "#9be564" }; // over any picture
const OTHER_HUE = "#ffffff";
const MOST_WAIT_S = 60; // for a server that wants a pause between many pictures

const part = (id) => document.getElementById(id);
const results = [];
let turn = Promise.resolve();
let round = 0; // a picture that was under way when the list was cleared comes to nothing

function add(files) {
  for (const file of files) {
    const row = part("result").content.cloneNode(true).firstElementChild;
    row.querySelector(".name").textContent = file.name || word("pasted");
    row.querySelector(".status").textContent = word("looking");
    part("results").prepend(row);
    const mine = round;
    // One after the other, in the order of the files.
    turn = turn.then(() => (mine === round ? look(file, row, mine) : null));
  }
  part("results-part").hidden = !part("results").children.length;
}

async function look(file, row, mine) {
  const name = file.name || word("pasted");
  const scale = await preview(row, file);
  const form = new FormData();
  form.append("file", file, file.name || "picture.png");
  const status = row.querySelector(".status");
  try {
    let response = await send(form);
    const wait = Number(response.headers.get("Retry-After"));
    if (response.status === 429 && wait > 0 && wait <= MOST_WAIT_S) {
      status.textContent = word("pausing");
      await new Promise((done) => setTimeout(done, wait * 1000));
      response = await send(form);
    }
    const answer = await response.json().catch(() => ({}));
    if (mine !== round) return;
    if (!response.ok) throw new Error(answer.detail ?? word("fault"));
    results.push({ file: name, ...answer });
    show(row, answer, scale);
    part("spoken").textContent = `${name}: ${answer.description}`;
  } catch (error) {
    if (mine !== round) return;
    const words = error instanceof TypeError ? word("failed") : error.message;
    status.className = "status note error";
    status.textContent = words;
    results.push({ file: name, error: words });
    part("spoken").textContent = `${name}: ${words}`;
  }
}

function send(form) {
  return fetch("/api/v1/assistant/images", {
    method: "POST",
    body: form,
    headers: {
      Accept: "application/json",
      "Accept-Language": language,
      "X-CSRFToken": csrfToken(),
    },
  });
}

async function preview(row, file) {
  const canvas = row.querySelector("canvas");
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, WIDEST / Math.max(bitmap.width, bitmap.height));
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return scale;
  } catch {
    canvas.hidden = true; // not a picture that this browser knows; the server has the last word
    return null;
  }
}

function show(row, answer, scale) {
  row.querySelector(".status").remove();
  row.querySelector(".description").textContent = answer.description;
  const colours = answer.colours
    .map((one) => `${word(`colour-${one.name}`)} ${percent(one.share)}`)
    .join(", ");
  const took = `${word("took")} ${oneDecimal(answer.processing_time_ms)} ms`;
  const by = Object.entries(answer.engines).map(
    ([what, one]) => `${word(`${what}-by`)} ${engineName(one)}`,
  );
  row.querySelector(".facts").textContent = [...by, colours, took].filter(Boolean).join(" · ");
  if (answer.degraded) {
    const note = document.createElement("p");
    note.className = "note warning";
    note.textContent = word("degraded");
    row.querySelector(".description").after(note);
  }
  const body = row.querySelector("tbody");
  for (const one of answer.objects) {
    const line = body.insertRow();
    const { x, y, width, height } = one.box;
    line.insertCell().textContent = thing(one.label, answer);
    const score = line.insertCell();
    score.className = "number";
    score.textContent = percent(one.score);
    line.insertCell().textContent = `${width} × ${height}, ${x}, ${y}`;
  }
  row.querySelector(".table-box").hidden = !answer.objects.length;
  if (scale) drawBoxes(row.querySelector("canvas"), answer, scale);
}

function engineName(one) {
  return one.engine === "embedded" ? word("embedded") : `${one.engine} (${one.model})`;
}

/** A finding in the reader's words, or as the provider's model calls it. */
function thing(label, answer) {
  if (answer.engines.objects.engine === "embedded") return word(label);
  const known = document.getElementById("words").content.querySelector(
    `[data-word="thing-${CSS.escape(label)}"]`,
  );
  return known ? known.textContent.trim() : label;
}

function drawBoxes(canvas, answer, scale) {
  const context = canvas.getContext("2d");
  const unit = Math.max(canvas.width, canvas.height) / 100;
  const high = Math.max(12, unit * 3.2) * 1.5; // of a label
  context.lineWidth = Math.max(2, unit * 0.5);
  context.font = `600 ${high / 1.5}px system-ui, sans-serif`;
  context.textBaseline = "top";
  for (const { label, box } of answer.objects) {
    const [left, top] = [box.x * scale, box.y * scale];
    context.strokeStyle = HUES[label] ?? OTHER_HUE;
    context.strokeRect(left, top, box.width * scale, box.height * scale);
    if (label === "eye") continue; // too small for a label; the table names it
    const name = thing(label, answer);
    const wide = context.measureText(name).width + high * 0.6;
    const labelTop = top >= high ? top - high : top;
    context.fillStyle = "rgb(12 17 19 / 0.82)";
    context.fillRect(left, labelTop, wide, high);
    context.fillStyle = "#ffffff";
    context.fillText(name, left + high * 0.3, labelTop + high * 0.2);
  }
}

function csv() {
  const lines = [["file", "label", "score", "x", "y", "width", "height", "description", "error"]];
  for (const result of results) {
    for (const one of result.objects?.length ? result.objects : [{}]) {
      const { x, y, width, height } = one.box ?? {};
      const place = [x, y, width, height];
      lines.push([result.file, one.label, one.score, ...place, result.description, result.error]);
    }
  }
  return lines.map((line) => line.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

takePictures(add);
part("clear").addEventListener("click", () => {
  round += 1;
  results.length = 0;
  part("results").replaceChildren();
  part("results-part").hidden = true;
});
part("download-json").addEventListener("click", () =>
  saveAs("visionai.json", "application/json", JSON.stringify(results, null, 2)),
);
part("download-csv").addEventListener("click", () => saveAs("visionai.csv", "text/csv", csv()));
