// Follows a run until it ends, then shows what came of it.
const running = document.getElementById("running");
const state = document.getElementById("state");
const bar = document.getElementById("progress");
const step = document.getElementById("step");
const EVERY_MS = 500;

async function look() {
  try {
    const answer = await fetch(running.dataset.url, { headers: { Accept: "application/json" } });
    if (!answer.ok) {
      location.reload();
      return;
    }
    const told = await answer.json();
    if (["done", "failed", "cancelled"].includes(told.state)) {
      location.reload();
      return;
    }
    const percent = Math.round(told.progress * 100);
    bar.value = percent;
    state.textContent = `${percent} %`;
    step.textContent = told.step;
  } catch {
    // The server is away for a moment: ask again.
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
