// The photo page: each picture goes to the API by itself and shows how far it is.
import { csrfToken } from "./api.js";
import { csvCell, saveAs } from "./download.js";
import { takePictures } from "./picking.js";
import { byName, drawFaces, showBars } from "./reading.js";
import { EMOTIONS, emotionWord, filled, language, percent, word } from "./words.js";

const AT_ONCE = 2;
const WIDEST = 960; // pixels of the preview

const part = (id) => document.getElementById(id);
const waiting = [];
const results = [];
let busy = 0;

function add(files) {
  for (const file of files) {
    const row = part("result").content.cloneNode(true).firstElementChild;
    row.querySelector(".name").textContent = file.name || word("pasted");
    row.querySelector(".status").textContent = word("waiting");
    row.querySelector("canvas").setAttribute("aria-label", word("picture-of"));
    row.querySelector("canvas").setAttribute("role", "img");
    part("results").prepend(row);
    waiting.push({ file, row });
  }
  part("results-part").hidden = results.length + waiting.length + busy === 0;
  work();
}

function work() {
  while (busy < AT_ONCE && waiting.length) {
    busy += 1;
    readOne(waiting.shift()).finally(() => {
      busy -= 1;
      work();
    });
  }
}

async function readOne({ file, row }) {
  const name = file.name || word("pasted");
  const picture = await preview(row, file);
  try {
    if (!file.type.startsWith("image/")) throw new Refusal(word("not-image"));
    const answer = await send(file, row);
    results.push({ file: name, ...answer });
    show(row, answer, picture, name);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    row.querySelector("progress").hidden = true;
    const status = row.querySelector(".status");
    status.className = "status note error";
    status.textContent = error.message;
    results.push({ file: name, error: error.message });
    part("spoken").textContent = `${name}: ${error.message}`;
  }
}

class Refusal extends Error {}

async function preview(row, file) {
  const canvas = row.querySelector("canvas");
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, WIDEST / Math.max(bitmap.width, bitmap.height));
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return { scale };
  } catch {
    canvas.hidden = true; // not a picture that this browser knows; the server has the last word
    return null;
  }
}

function send(file, row) {
  const progress = row.querySelector("progress");
  const status = row.querySelector(".status");
  const form = new FormData();
  form.append("file", file, file.name || "picture.png");
  return new Promise((done, refuse) => {
    const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
    request.open("POST", "/api/v1/predict");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Accept-Language", language);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.responseType = "json";
    status.textContent = word("sending");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress.value = event.loaded / event.total;
    });
    request.upload.addEventListener("load", () => {
      status.textContent = word("reading");
      progress.removeAttribute("value");
    });
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) done(request.response);
      else refuse(new Refusal(refusal(request)));
    });
    request.addEventListener("error", () => refuse(new Refusal(word("failed"))));
    request.send(form);
  });
}

function refusal(request) {
  if (request.status >= 500 && !request.response?.detail) return word("fault");
  return request.response?.detail ?? word(request.status === 401 ? "ended" : "fault");
}

function show(row, answer, picture, name) {
  row.querySelector("progress").hidden = true;
  const faces = answer.faces ?? [];
  const said = faces.map((face) => emotionWord(face.emotion_name)).join(", ");
  const milliseconds = `${Math.round(answer.processing_time_ms)} ms`;
  const facts = `${word("took")} ${milliseconds} · ${word("model")} ${answer.model_version_tag}`;
  row.querySelector(".status").textContent = faces.length
    ? facts
    : `${word("faces-none")} ${facts}`;
  if (!answer.calibrated) row.querySelector(".status").append(` · ${word("uncalibrated")}`);
  faces.forEach((face, index) => {
    const piece = part("face").content.cloneNode(true).firstElementChild;
    const title = piece.querySelector("h4");
    title.classList.add(face.emotion_name ?? "neutral");
    const number = faces.length > 1 ? `${word("face")} ${index + 1}: ` : "";
    const share = percent(face.confidence);
    const sure = face.abstained
      ? filled("below", { confidence: share, threshold: percent(answer.threshold) })
      : share;
    title.textContent = `${number}${emotionWord(face.emotion_name)} · ${sure}`;
    showBars(piece, face.probabilities);
    row.querySelector(".faces").append(piece);
  });
  if (picture) drawFaces(row.querySelector("canvas"), faces, { ...picture, letters: 5 });
  part("spoken").textContent = `${name}: ${said || word("faces-none")}`;
}

function csv() {
  const head = ["file", "face", "x", "y", "width", "height", "emotion_name", "confidence"];
  const tail = ["abstained", "threshold", "calibrated", "model_version_tag", "processing_time_ms"];
  const lines = [[...head, ...EMOTIONS, ...tail, "error"]];
  for (const result of results) {
    const faces = result.faces?.length ? result.faces : [null];
    faces.forEach((face, index) => {
      const shares = byName(face?.probabilities);
      const box = face?.box ?? {};
      lines.push([
        result.file,
        face ? index + 1 : "",
        ...[box.x, box.y, box.width, box.height],
        face?.emotion_name,
        face?.confidence,
        ...EMOTIONS.map((name) => shares[name]),
        face?.abstained,
        result.threshold,
        result.calibrated,
        result.model_version_tag,
        result.processing_time_ms,
        result.error,
      ]);
    });
  }
  return lines.map((line) => line.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

takePictures(add);
part("clear").addEventListener("click", () => {
  waiting.length = results.length = 0;
  part("results").replaceChildren();
  part("results-part").hidden = true;
});
part("download-json").addEventListener("click", () =>
  saveAs("visionai.json", "application/json", JSON.stringify(results, null, 2)),
);
part("download-csv").addEventListener("click", () => saveAs("visionai.csv", "text/csv", csv()));
