// Speech with this server: texts read aloud sentence by sentence, and recordings that it can hear.
import { csrfToken } from "./api.js";

const LONGEST = 280; // characters of a piece, so that the first is heard soon
const RATE = 16000; // samples a second of a recording

/** The text in pieces to be spoken one by one: the first sentence, then some at a time. */
export function sentences(text) {
  const whole = text.split(/\n+/).flatMap(partsOf).map(tidy).filter(Boolean);
  const pieces = [];
  for (const sentence of whole.flatMap(cut)) {
    const last = pieces.length - 1;
    const together = last > 0 ? `${pieces[last]} ${sentence}` : "";
    if (together && together.length <= LONGEST) pieces[last] = together;
    else pieces.push(sentence);
  }
  return pieces;
}

function partsOf(line) {
  if (!Intl.Segmenter) return line.split(/(?<=[.!?…])\s+/);
  return [...new Intl.Segmenter(undefined, { granularity: "sentence" }).segment(line)].map(
    (part) => part.segment,
  );
}

function tidy(text) {
  return text.replace(/\s+/g, " ").trim();
}

function cut(sentence) {
  const pieces = [];
  let rest = sentence;
  while (rest.length > LONGEST) {
    const room = rest.slice(0, LONGEST);
    const at = [room.lastIndexOf(", ") + 1, room.lastIndexOf(" ")].find((place) => place > 0);
    pieces.push(rest.slice(0, at ?? LONGEST).trim());
    rest = rest.slice(at ?? LONGEST).trim();
  }
  return [...pieces, rest].filter(Boolean);
}

/**
 * Read a text aloud; done when it has been said. The next piece is fetched while one is heard.
 * Raises the signal's reason when it is interrupted, else an `Error` whose message is for people;
 * `unreached` is the one for a server that does not answer.
 */
export async function speakAloud(text, options = {}) {
  const { language, voice = "", speed = 1, signal, onSentence, unreached = "" } = options;
  const pieces = sentences(text);
  const key = crypto.randomUUID?.() ?? String(Math.random());
  const fetched = (index) =>
    fetchPiece({ text: pieces[index], language, voice, speed }, `${key}-${index}`, signal, unreached);
  let next = pieces.length ? fetched(0) : null;
  for (let index = 0; index < pieces.length; index += 1) {
    const sound = await next;
    next = index + 1 < pieces.length ? fetched(index + 1) : null;
    next?.catch(() => {}); // told when its turn comes
    onSentence?.(pieces[index], index);
    if (sound) await play(sound, signal);
    else await sayHere(pieces[index], { language, speed, signal });
  }
}

/** The sound; null where this server may not speak to us but the browser can. */
async function fetchPiece(body, key, signal, unreached) {
  const ask = () =>
    fetch("/api/v1/assistant/speak", {
      method: "POST",
      signal,
      headers: {
        Accept: "audio/*",
        "Accept-Language": document.documentElement.lang,
        "Content-Type": "application/json",
        "Idempotency-Key": key, // asked again after a lost answer, it counts once
        "X-CSRFToken": csrfToken(),
      },
      body: JSON.stringify(body),
    });
  const again = (error) => {
    if (signal?.aborted) throw error;
    return ask();
  };
  const response = await ask()
    .catch(again)
    .catch((error) => {
      if (signal?.aborted) throw error;
      return null;
    });
  if (response?.ok) return response.blob();
  if (voiceHere(body.language)) return null;
  const problem = (await response?.json().catch(() => ({}))) ?? { detail: unreached };
  throw new Error(problem.detail ?? String(response.status));
}

function play(sound, signal) {
  const url = URL.createObjectURL(sound);
  const audio = new Audio(url);
  return heard(
    (done, failed) => {
      audio.addEventListener("ended", done);
      audio.addEventListener("error", () => failed(new Error(audio.error?.message ?? "")));
      audio.play().catch(failed);
    },
    () => audio.pause(),
    signal,
  ).finally(() => URL.revokeObjectURL(url));
}

/** A voice of the browser that works on this device alone: no text leaves it. */
function voiceHere(language) {
  const all = window.speechSynthesis?.getVoices() ?? [];
  return all.find((voice) => voice.localService && voice.lang.startsWith(language));
}

function sayHere(text, { language, speed, signal }) {
  const words = new SpeechSynthesisUtterance(text);
  words.voice = voiceHere(language);
  words.lang = words.voice?.lang ?? language;
  words.rate = speed;
  return heard(
    (done, failed) => {
      words.addEventListener("end", done);
      words.addEventListener("error", () => failed(new Error("")));
      speechSynthesis.speak(words);
    },
    () => speechSynthesis.cancel(),
    signal,
  );
}

function heard(start, end, signal) {
  return new Promise((done, failed) => {
    const interrupt = () => {
      end();
      failed(signal.reason);
    };
    if (signal?.aborted) return interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    const leave = (then) => (value) => {
      signal?.removeEventListener("abort", interrupt);
      then(value);
    };
    start(leave(done), leave(failed));
  });
}

/** What a microphone hears, as WAV of one channel: no decoder is needed on the other side. */
export class Recording {
  /** Raises what `getUserMedia` raises. */
  static async begin() {
    if (!navigator.mediaDevices) throw new DOMException("", "InsecureContextError");
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: false });
    return new Recording(stream);
  }

  constructor(stream) {
    this.stream = stream;
    this.parts = [];
    this.recorder = new MediaRecorder(stream);
    this.recorder.addEventListener("dataavailable", (event) => this.parts.push(event.data));
    this.recorder.start();
  }

  /** Stop; the recording. As the browser made it where the browser cannot decode its own. */
  async end() {
    await new Promise((done) => {
      this.recorder.addEventListener("stop", done, { once: true });
      if (this.recorder.state === "inactive") done();
      else this.recorder.stop();
    });
    this.cancel();
    const made = new Blob(this.parts, { type: this.recorder.mimeType });
    try {
      return wav(await made.arrayBuffer());
    } catch {
      return made;
    }
  }

  /** Forget it, and let the microphone go. */
  cancel() {
    if (this.recorder.state !== "inactive") this.recorder.stop();
    for (const track of this.stream.getTracks()) track.stop();
  }
}

async function wav(encoded) {
  const context = new OfflineAudioContext(1, 1, RATE); // decodes into its own rate
  const sound = await context.decodeAudioData(encoded);
  const channels = Array.from({ length: sound.numberOfChannels }, (_one, index) =>
    sound.getChannelData(index),
  );
  const bytes = new DataView(new ArrayBuffer(44 + 2 * sound.length));
  const words = [0x52494646, 0x57415645, 0x666d7420, 0x64617461]; // RIFF, WAVE, fmt, data
  bytes.setUint32(0, words[0]);
  bytes.setUint32(4, 36 + 2 * sound.length, true);
  bytes.setUint32(8, words[1]);
  bytes.setUint32(12, words[2]);
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, RATE, true);
  bytes.setUint32(28, 2 * RATE, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  bytes.setUint32(36, words[3]);
  bytes.setUint32(40, 2 * sound.length, true);
  for (let at = 0; at < sound.length; at += 1) {
    const mixed = channels.reduce((sum, samples) => sum + samples[at], 0) / channels.length;
    bytes.setInt16(44 + 2 * at, Math.max(-1, Math.min(1, mixed)) * 32767, true);
  }
  return new Blob([bytes.buffer], { type: "audio/wav" });
}
