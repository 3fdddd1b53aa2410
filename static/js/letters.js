// The letters page: a photo, or what the camera sees inside the frame, goes to the API by itself.
import { cameraTrouble, openCamera } from "./camera-source.js";
import { Refusal, cutOut, placeFrame, readHand } from "./hand.js";
import { filled, passage, percent, word } from "./words.js";

const SIDE = 384; // pixels of a picture that is sent from the camera
const PREVIEW = 320;

const part = (id) => document.getElementById(id);
const [video, aim] = [part("video"), part("aim")];
let source = null;

function trouble(name) {
  part("trouble").replaceChildren();
  if (!name) return;
  const note = document.createElement("div");
  note.className = "note warning";
  note.append(...passage(name).childNodes);
  part("trouble").append(note);
}

// The camera

async function start() {
  trouble(null);
  part("stage-word").textContent = word("asking");
  try {
    source = await openCamera(video);
  } catch (error) {
    stop();
    trouble(cameraTrouble(error));
    return;
  }
  video.hidden = aim.hidden = part("take").disabled = false;
  part("stage-word").hidden = true;
  video.classList.toggle("mirrored", source.mirrored);
  part("start").lastChild.textContent = word("stop");
  place();
}

function stop() {
  source?.stop();
  source = null;
  video.hidden = aim.hidden = part("take").disabled = true;
  part("stage-word").hidden = false;
  part("stage-word").textContent = word("off");
  part("start").lastChild.textContent = word("start");
}

const place = () => placeFrame(video, part("stage"), aim);

async function take() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  await readOne(await cutOut(video, canvas, 0.92), word("from-camera"));
}

// Reading

async function readOne(file, name) {
  const row = part("result").content.cloneNode(true).firstElementChild;
  row.querySelector(".name").textContent = name;
  row.querySelector(".status").textContent = word("reading");
  part("results").prepend(row);
  part("results-part").hidden = false;
  await preview(row.querySelector("canvas"), file);
  let spoken;
  try {
    spoken = show(row, await readHand(file));
  } catch (error) {
    const status = row.querySelector(".status");
    status.className = "status note error";
    status.textContent = spoken = error instanceof Refusal ? error.message : word("failed");
  }
  part("spoken").textContent = `${name}: ${spoken}`;
}

function show(row, answer) {
  const letter = row.querySelector(".letter");
  letter.hidden = false;
  letter.textContent = answer.abstained ? word("no-letter") : answer.letter;
  letter.classList.toggle("none", answer.abstained);
  row.querySelector(".status").textContent = answer.message;
  const facts = `${answer.model_version_tag} · ${oneMillisecond(answer.processing_time_ms)}`;
  row.querySelector(".facts").textContent = answer.abstained
    ? `${filled("threshold", { threshold: percent(answer.threshold) })} · ${facts}`
    : facts;
  for (const guess of answer.alternatives) row.querySelector(".bars").append(bar(guess));
  return answer.message;
}

function oneMillisecond(value) {
  return `${Math.max(1, Math.round(value))} ms`;
}

function bar(guess) {
  const line = part("guess").content.cloneNode(true).firstElementChild;
  const name = guess.movement ? `${guess.letter} (${word("movement")})` : guess.letter;
  line.querySelector(".guess").textContent = name;
  const meter = line.querySelector(".bar");
  meter.setAttribute("aria-label", name);
  meter.setAttribute("aria-valuenow", String(guess.confidence));
  meter.firstElementChild.setAttribute("width", String(100 * guess.confidence));
  line.querySelector(".number").textContent = percent(guess.confidence);
  return line;
}

async function preview(canvas, file) {
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, PREVIEW / Math.max(bitmap.width, bitmap.height));
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  } catch {
    canvas.hidden = true; // not a picture that this browser knows; the server has the last word
  }
}

async function readFiles(files) {
  for (const file of files) await readOne(file, file.name || word("pasted"));
}

part("start").addEventListener("click", () => (source ? stop() : start()));
part("take").addEventListener("click", take);
video.addEventListener("resize", place);
addEventListener("resize", place);
part("choose").addEventListener("click", () => part("files").click());
part("files").addEventListener("change", async () => {
  const files = [...part("files").files];
  part("files").value = "";
  await readFiles(files);
});
addEventListener("paste", (event) => readFiles(event.clipboardData.files));
part("clear").addEventListener("click", () => {
  part("results").replaceChildren();
  part("results-part").hidden = true;
});
addEventListener("pagehide", stop);
for (const id of ["start", "choose"]) part(id).disabled = false;
