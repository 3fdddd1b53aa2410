// The spelling page: what the camera sees inside the frame, letter after letter, becomes a text.
import { cameraTrouble, openCamera } from "./camera-source.js";
import { Refusal, cutOut, placeFrame, readHand } from "./hand.js";
import { NOTHING, EMPTY, add, clear, progress, removeLast, see, undo } from "./spelling-rule.js";
import { speakAloud } from "./speech.js";
import { filled, language, passage, percent, word } from "./words.js";

const SIDE = 224; // pixels of a picture that is sent; the network looks at 96
const PACE_MS = 160; // between two pictures
const LONGEST_WAIT_MS = 8000; // between two tries when the server does not answer

const part = (id) => document.getElementById(id);
const [video, aim] = [part("video"), part("aim")];
const canvas = document.createElement("canvas");
canvas.width = canvas.height = SIDE;
let source = null;
let run = 0; // which start of the camera a picture belongs to
let held = NOTHING;
let spelled = EMPTY;
let voice = null; // ends what is being said

function trouble(node) {
  part("trouble").replaceChildren(...(node ? [node] : []));
}

function note(words, kind = "warning") {
  const box = document.createElement("div");
  box.className = `note ${kind}`;
  box.append(...(typeof words === "string" ? [words] : words.childNodes));
  return box;
}

// The camera

async function start() {
  trouble(null);
  part("stage-word").textContent = word("asking");
  part("start").disabled = true;
  try {
    source = await openCamera(video);
  } catch (error) {
    stop();
    trouble(note(passage(cameraTrouble(error))));
    return;
  } finally {
    part("start").disabled = false;
  }
  run += 1;
  video.hidden = aim.hidden = false;
  part("stage-word").hidden = true;
  video.classList.toggle("mirrored", source.mirrored);
  part("start").lastChild.textContent = word("stop");
  video.srcObject.getVideoTracks()[0].addEventListener("ended", lost);
  place();
  watch(run);
}

function stop() {
  run += 1;
  source?.stop();
  source = null;
  video.hidden = aim.hidden = true;
  part("stage-word").hidden = false;
  part("stage-word").textContent = word("off");
  part("start").lastChild.textContent = word("start");
  hold(NOTHING);
}

function lost() {
  stop();
  trouble(note(passage("no-camera")));
}

const place = () => placeFrame(video, part("stage"), aim);

/** One picture after the other until this run ends; a server that is away is asked less often. */
async function watch(mine) {
  let wait = 0;
  while (mine === run) {
    if (document.hidden) hold(NOTHING); // nobody spells in a tab that nobody sees
    while (document.hidden && mine === run) await pause(PACE_MS);
    const began = performance.now();
    try {
      const reading = await readHand(await cutOut(video, canvas, 0.85));
      if (mine !== run) return;
      if (wait) trouble(null);
      wait = 0;
      watched(reading, began);
    } catch (error) {
      if (mine !== run) return;
      hold(NOTHING);
      wait = error.wait || Math.min(LONGEST_WAIT_MS, (wait || 500) * 2);
      trouble(note(error instanceof Refusal ? error.message : word("away"), "error"));
    }
    await pause(Math.max(wait, PACE_MS - (performance.now() - began)));
  }
}

function watched(reading, at) {
  show(reading);
  hold(see(held, reading, at));
  if (held.take) change(add(spelled, held.take), filled("taken", { letter: held.take }));
}

const pause = (time) => new Promise((done) => setTimeout(done, time));

function hold(state) {
  held = state;
  const over = progress(state);
  part("hold").value = over;
  aim.classList.toggle("held", over > 0);
  part("holding").textContent = state.letter
    ? filled(state.taken ? "again" : "hold", { letter: state.letter })
    : word("waiting");
}

// Reading

function show(reading) {
  const letter = part("letter");
  letter.textContent = reading.abstained ? "·" : reading.letter;
  letter.classList.toggle("none", reading.abstained);
  part("sure").textContent = reading.abstained ? word("no-letter") : percent(reading.confidence);
  part("moves").hidden = reading.abstained || !reading.movement;
  part("guesses-part").hidden = false;
  const lines = [...part("guesses").children]; // the same ones, so that a press finds its button
  reading.alternatives.forEach((guess, index) => fill(lines[index], guess));
}

function fill(line, guess) {
  const button = line.querySelector("button");
  button.textContent = guess.letter;
  button.setAttribute("aria-label", filled("add", { letter: guess.letter }));
  button.dataset.letter = guess.letter;
  line.querySelector(".moves").hidden = !guess.movement;
  const bar = line.querySelector(".bar rect");
  bar.setAttribute("width", String(100 * guess.confidence));
  line.querySelector(".number").textContent = percent(guess.confidence);
}

async function readFiles(files) {
  for (const file of files) {
    part("file-name").textContent = file.name || word("pasted");
    try {
      const reading = await readHand(file);
      trouble(null);
      show(reading);
      part("file-name").textContent = `${file.name || word("pasted")}: ${reading.message}`;
      if (!reading.abstained && !reading.movement) {
        change(add(spelled, reading.letter), filled("taken", { letter: reading.letter }));
      }
    } catch (error) {
      trouble(note(error instanceof Refusal ? error.message : word("failed"), "error"));
    }
  }
}

// The text

function change(now, said = "") {
  spelled = now;
  part("text").textContent = now.text;
  part("text-empty").hidden = now.text !== "";
  for (const id of ["delete", "clear", "copy", "speak"]) part(id).disabled = now.text === "";
  part("undo").disabled = now.before.length === 0;
  part("spoken").textContent = said;
}

async function copy() {
  try {
    await navigator.clipboard.writeText(spelled.text);
    part("spoken").textContent = part("done").textContent = word("copied");
  } catch {
    getSelection().selectAllChildren(part("text")); // without permission, ready for Ctrl+C
    part("spoken").textContent = part("done").textContent = word("selected");
  }
}

async function speak() {
  if (voice) {
    voice.abort();
    return;
  }
  if (!spelled.text.trim()) return;
  voice = new AbortController();
  part("speak").setAttribute("aria-pressed", "true");
  part("done").textContent = "";
  try {
    const words = spelled.text.toLowerCase(); // capitals would be spelled out
    await speakAloud(words, { language, signal: voice.signal, unreached: word("failed") });
  } catch (error) {
    if (!voice.signal.aborted) part("done").textContent = error.message || word("mute");
  }
  voice = null;
  part("speak").setAttribute("aria-pressed", "false");
}

const acts = {
  space: () => change(add(spelled, " ")),
  delete: () => change(removeLast(spelled)),
  undo: () => change(undo(spelled)),
  clear: () => change(clear(spelled)),
  copy,
  speak,
};

function pressed(event) {
  const typing = event.target.closest("a, button, input, select, summary, textarea");
  if (event.altKey || event.metaKey || event.isComposing) return;
  if (event.ctrlKey) {
    if (event.key.toLowerCase() === "z") does(event, acts.undo);
  } else if (/^[a-z]$/i.test(event.key)) does(event, () => change(add(spelled, event.key.toUpperCase())));
  else if (event.key === "Backspace") does(event, acts.delete);
  else if (typing) return; // Enter and Space press what has the focus
  else if (event.key === " ") does(event, acts.space);
  else if (event.key === "Enter") does(event, acts.speak);
}

function does(event, act) {
  event.preventDefault();
  act();
}

for (const [id, act] of Object.entries(acts)) part(id).addEventListener("click", act);
part("start").addEventListener("click", () => (source ? stop() : start()));
part("guesses").addEventListener("click", (event) => {
  const letter = event.target.closest("button")?.dataset.letter;
  if (letter) change(add(spelled, letter), filled("taken", { letter }));
});
video.addEventListener("resize", place);
addEventListener("resize", place);
part("choose").addEventListener("click", () => part("files").click());
part("files").addEventListener("change", async () => {
  const files = [...part("files").files];
  part("files").value = "";
  await readFiles(files);
});
addEventListener("paste", (event) => readFiles(event.clipboardData.files));
addEventListener("keydown", pressed);
addEventListener("pagehide", stop);
change(EMPTY);
hold(NOTHING);
for (const id of ["start", "choose", "space"]) part(id).disabled = false;
