// The camera page: pictures out, one in flight; readings in, drawn over the live picture.
import { openCamera, cameraTrouble, otherCameras } from "./camera-source.js";
import { CameraSocket } from "./camera-socket.js";
import { drawFaces, showBars } from "./reading.js";
import { emotionWord, filled, oneDecimal, passage, percent, word } from "./words.js";

const WIDEST = 640; // pixels of a picture that is sent
const QUALITY = 0.8;
const FASTEST_MS = 50;
const SLOWEST_MS = 1000;
const SPEAK_AFTER_MS = 1500; // an emotion must last this long before it is read aloud
const KEPT = "camera-smoothing"; // "off" where the visitor switched it off on this browser

const part = (id) => document.getElementById(id);
const [video, still, overlay] = [part("video"), part("still"), part("overlay")];
const packed = document.createElement("canvas");

let source = null; // {element, mirrored, stop}
let socket = null;
let paused = false;
let interval = FASTEST_MS;
let sentAt = 0;
let sentWidth = 0;
let timer = 0;
let answers = [];
let read = 0;
let spoken = { name: null, since: 0, said: null };
let smoothing = kept() !== "off";
let latest = null; // the newest reading, which a change of the switch shows anew

function say(name) {
  part("state").textContent = word(name);
}

function trouble(name) {
  part("trouble").replaceChildren();
  if (!name) return;
  const note = document.createElement("div");
  note.className = "note warning";
  note.append(...passage(name).childNodes);
  part("trouble").append(note);
}

function sizeOf(element) {
  return element instanceof HTMLVideoElement
    ? [element.videoWidth, element.videoHeight]
    : [element.naturalWidth, element.naturalHeight];
}

async function sendPicture() {
  timer = 0;
  if (!source || paused || document.hidden || !socket?.ready) return;
  const [width, height] = sizeOf(source.element);
  if (!width) {
    next();
    return;
  }
  const shrink = Math.min(1, WIDEST / Math.max(width, height));
  packed.width = Math.round(width * shrink);
  packed.height = Math.round(height * shrink);
  packed.getContext("2d").drawImage(source.element, 0, 0, packed.width, packed.height);
  const blob = await new Promise((done) => packed.toBlob(done, "image/jpeg", QUALITY));
  if (!blob || paused || !source || !socket?.ready) return;
  sentAt = performance.now();
  sentWidth = packed.width;
  socket.send(blob);
}

function next() {
  if (timer || paused || !source) return;
  const wait = Math.max(0, sentAt + interval - performance.now());
  timer = setTimeout(sendPicture, wait);
}

function answered(message) {
  const now = performance.now();
  if (message.type === "prediction") {
    // Faster while the server keeps up, but never more than one picture under way.
    interval = Math.max(FASTEST_MS, interval * 0.9);
    show(message, now - sentAt, now);
  } else if (message.type === "dropped") {
    interval = Math.min(SLOWEST_MS, interval * 1.6);
  } else {
    interval = SLOWEST_MS;
    if (message.code === "consent_required") {
      trouble("consent");
      stop("state-off");
      return;
    }
  }
  next();
}

function show(message, took, now) {
  if (!source) return;
  latest = message;
  const said = showReading(message);
  answers = [...answers.filter((at) => now - at < 2000), now];
  const span = now - answers[0];
  part("latency").textContent = `${Math.round(took)} ms`;
  part("processing").textContent = `${Math.round(message.processing_time_ms)} ms`;
  part("rate").textContent = span > 200 ? oneDecimal(((answers.length - 1) * 1000) / span) : "–";
  part("faces").textContent = String(message.faces.length);
  part("read").textContent = String(++read);
  speak(said, now);
}

/** The largest face in words and bars, all faces on the picture; what was said. */
function showReading(message) {
  const raw = message.faces;
  const faces = smoothing ? raw.map((face) => ({ ...face, ...face.smoothed })) : raw;
  const [face] = faces;
  const said = face ? emotionWord(face.emotion_name) : word("no-face");
  part("emotion").textContent = said;
  part("emotion").dataset.emotion = face?.emotion_name ?? "";
  part("confidence").textContent = face ? sureness(face, message.threshold) : "";
  part("alone").hidden = !smoothing;
  part("alone-reading").textContent = face
    ? `${emotionWord(raw[0].emotion_name)} · ${percent(raw[0].confidence)}`
    : "–";
  part("uncalibrated").hidden = message.calibrated;
  showBars(document, face?.probabilities, smoothing ? raw[0]?.probabilities : null);
  const [width, height] = sizeOf(source.element);
  overlay.width = width;
  overlay.height = height;
  drawFaces(overlay, faces, { scale: width / sentWidth, mirrored: source.mirrored });
  return said;
}

function sureness(face, threshold) {
  const share = percent(face.confidence);
  if (!face.abstained) return share;
  return filled("below", { confidence: share, threshold: percent(threshold) });
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage may be forbidden; then the choice lasts as long as the page
  }
}

function keep(value) {
  try {
    localStorage.setItem(KEPT, value);
  } catch {
    // as above
  }
}

function speak(name, now) {
  if (name !== spoken.name) spoken = { ...spoken, name, since: now };
  if (spoken.said !== name && now - spoken.since > SPEAK_AFTER_MS) {
    spoken.said = name;
    part("spoken").textContent = name;
  }
}

function connect() {
  socket?.close();
  socket = new CameraSocket({
    connecting: () => say("state-connecting"),
    ready: () => {
      trouble(null);
      say(paused ? "state-paused" : "state-live");
      next();
    },
    answer: answered,
    lost: () => say("state-reconnecting"),
    limited: () => trouble("limit"),
    ended: () => {
      trouble("ended");
      stop("state-ended");
    },
  });
}

async function begin(opened) {
  stop("state-connecting");
  source = opened;
  const isVideo = opened.element === video;
  video.hidden = !isVideo;
  still.hidden = isVideo;
  video.classList.toggle("mirrored", opened.mirrored);
  part("stage-word").hidden = true;
  part("start").lastChild.textContent = word("stop");
  part("pause").hidden = false;
  part("switch").hidden = !isVideo || (await otherCameras()).length < 2;
  connect();
}

function stop(state) {
  clearTimeout(timer);
  timer = 0;
  socket?.close();
  socket = null;
  source?.stop();
  source = null;
  answers = [];
  latest = null;
  setPaused(false);
  for (const element of [video, still]) element.hidden = true;
  overlay.width = overlay.width; // clears it
  part("stage-word").hidden = false;
  part("stage-word").textContent = word("off");
  part("start").lastChild.textContent = word("start");
  part("pause").hidden = true;
  part("switch").hidden = true;
  say(state);
}

function setPaused(now) {
  paused = now;
  part("pause").setAttribute("aria-pressed", String(now));
  part("pause").textContent = word(now ? "resume" : "pause");
  if (source?.element === video) now ? video.pause() : video.play();
}

async function startCamera(deviceId) {
  trouble(null);
  part("stage-word").textContent = word("asking");
  try {
    await begin(await openCamera(video, deviceId));
  } catch (error) {
    stop("state-off");
    trouble(cameraTrouble(error));
  }
}

part("start").addEventListener("click", () => (source ? stop("state-off") : startCamera()));
part("pause").addEventListener("click", () => {
  setPaused(!paused);
  say(paused ? "state-paused" : "state-live");
  if (!paused) next();
});
part("switch").addEventListener("click", async () => {
  const others = await otherCameras();
  const here = others.findIndex((one) => one.deviceId === source?.deviceId);
  await startCamera(others[(here + 1) % others.length].deviceId);
});
part("smooth").checked = smoothing;
part("smooth").addEventListener("change", () => {
  smoothing = part("smooth").checked;
  keep(smoothing ? "on" : "off");
  if (latest && source) showReading(latest);
});
for (const button of document.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", async () => {
    trouble(null);
    stop("state-connecting");
    still.src = button.dataset.sample;
    await still.decode();
    await begin({ element: still, mirrored: false, stop: () => {} });
    part("stage").scrollIntoView({ block: "nearest" });
  });
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) next();
});
addEventListener("pagehide", () => stop("state-off"));
if (!isSecureContext) trouble("insecure");
for (const button of document.querySelectorAll("#start, [data-sample]")) button.disabled = false;
