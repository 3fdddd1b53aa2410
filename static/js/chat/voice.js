// The ear and the voice of the page: words from the microphone, answers said aloud.
import { language, word } from "../words.js";
import { call } from "./calls.js";

const part = (id) => document.getElementById(id);
const Recogniser = window.SpeechRecognition ?? window.webkitSpeechRecognition;
// After any other error the recogniser is one in name only: then this server hears instead.
const HARMLESS = ["aborted", "no-speech"];
const LONGEST_MS = 60_000;

export class Voice {
  constructor(heard) {
    this.heard = heard;
    this.speaking = null; // {id, button, control}
    this.ear = null; // how to end what listens
    this.own = !Recogniser; // whether this server hears instead of the browser
    part("mic")?.addEventListener("click", () => this.pressed());
  }

  // The voice

  /** Say an answer; the one that is being said falls silent. */
  toggle(id, text, button) {
    const same = this.speaking?.id === id;
    this.quiet();
    if (!same) this.say(id, text, button);
  }

  quiet() {
    this.speaking?.control.abort();
    this.speaking = null;
  }

  async say(id, text, button) {
    const mine = { id, button, control: new AbortController() };
    this.speaking = mine;
    button.setAttribute("aria-pressed", "true");
    try {
      const { speakAloud } = await import("../speech.js");
      await speakAloud(text, {
        language,
        signal: mine.control.signal,
        unreached: word("unreached"),
      });
    } catch (error) {
      if (!mine.control.signal.aborted) this.trouble(error.message);
    }
    button.setAttribute("aria-pressed", "false");
    if (this.speaking === mine) this.speaking = null;
  }

  // The ear

  pressed() {
    if (this.ear) this.ear();
    else if (this.own) this.record();
    else this.recognise();
  }

  listening(end) {
    this.ear = end;
    part("mic").setAttribute("aria-pressed", String(Boolean(end)));
    part("mic-state").textContent = end ? word("listening") : "";
  }

  recognise() {
    const recogniser = new Recogniser();
    recogniser.lang = language === "es" ? "es-ES" : "en-GB";
    recogniser.continuous = true;
    recogniser.addEventListener("result", (event) => {
      for (const result of [...event.results].slice(event.resultIndex)) {
        if (result.isFinal) this.heard(result[0].transcript.trim());
      }
    });
    recogniser.addEventListener("error", (event) => {
      if (!HARMLESS.includes(event.error)) this.own = true;
      else if (event.error === "no-speech") this.trouble(word("heard-nothing"));
    });
    recogniser.addEventListener("end", () => {
      this.listening(null);
      if (this.own) this.record();
    });
    this.listening(() => recogniser.stop());
    try {
      recogniser.start();
    } catch {
      this.own = true;
      this.record();
    }
  }

  async record() {
    let recording;
    part("mic").disabled = true; // while the browser asks for permission
    try {
      const { Recording } = await import("../speech.js");
      recording = await Recording.begin();
    } catch (error) {
      this.listening(null);
      this.trouble(word(error.name === "NotAllowedError" ? "mic-denied" : "no-mic"));
      return;
    } finally {
      part("mic").disabled = false;
    }
    const limit = setTimeout(() => this.ear?.(), LONGEST_MS);
    this.listening(async () => {
      clearTimeout(limit);
      this.listening(null);
      part("mic").disabled = true;
      part("mic-state").textContent = word("transcribing");
      await this.transcribe(await recording.end());
      part("mic").disabled = false;
      part("mic-state").textContent = "";
    });
  }

  async transcribe(sound) {
    const form = new FormData();
    form.append("file", sound, `recording.${sound.type.includes("wav") ? "wav" : "webm"}`);
    form.append("language", language);
    try {
      const { text } = await call("POST", "/transcribe", form);
      if (text.trim()) this.heard(text.trim());
      else this.trouble(word("heard-nothing"));
    } catch (error) {
      this.trouble(error.message);
    }
  }

  trouble(words) {
    const note = part("trouble");
    note.textContent = words;
    note.hidden = false;
    setTimeout(() => (note.hidden = true), 12_000);
  }
}
