// Follows a run until it ends, then shows what came of it.
const running = document.getElementById("running");
const part = (id) => document.getElementById(id);
const words = part("words").content;
const layers = [...document.querySelectorAll("#steps li")];
const EVERY_MS = 500;
const ENOUGH = 0.05; // of the way, before the rest is estimated
let began = null;

const word = (name) => words.querySelector(`[data-word="${CSS.escape(name)}"]`)?.textContent;

/** Layers come in order: all up to the one that is told of are done. */
function mark(step) {
  const last = layers.findIndex((item) => item.dataset.step === step);
  layers.slice(0, last + 1).forEach((item) => item.classList.add("done"));
}

/** Seconds that are left if it goes on as it went since the page was opened. */
function left(progress) {
  began ??= { progress, at: performance.now() };
  const done = progress - began.progress;
  if (done < ENOUGH) return "";
  const seconds = ((1 - progress) * (performance.now() - began.at)) / done / 1000;
  return word("left").replace("{seconds}", Math.max(1, Math.round(seconds)));
}

async function look() {
  try {
    const answer = await fetch(running.dataset.url, { headers: { Accept: "application/json" } });
    if (answer.status === 429) {
      setTimeout(look, 1000 * (Number(answer.headers.get("Retry-After")) || 5));
      return;
    }
    if (!answer.ok) {
      location.reload();
      return;
    }
    const told = await answer.json();
    if (["done", "failed", "cancelled"].includes(told.state)) {
      location.reload();
      return;
    }
    if (told.state === "running") {
      const percent = Math.round(told.progress * 100);
      part("progress").value = percent;
      part("state").textContent = `${percent} %`;
      part("step").textContent = word(`step-${told.step}`) ?? told.step;
      part("left").textContent = left(told.progress);
      mark(told.step);
    }
  } catch {
    // The server is away for a moment: ask again.
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
