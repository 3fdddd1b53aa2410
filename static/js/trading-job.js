// Follows a backtest or a training until it ends, then shows what came of it.
const running = document.getElementById("running");
const state = document.getElementById("state");
const bar = document.getElementById("progress");
const EVERY_MS = 500;

async function look() {
  try {
    const answer = await fetch(running.dataset.url, { headers: { Accept: "application/json" } });
    const told = answer.ok ? await answer.json() : null;
    if (!told || ["done", "failed", "cancelled"].includes(told.state)) {
      location.reload();
      return;
    }
    const percent = Math.round(told.progress * 100);
    bar.value = percent;
    if (percent > 0) state.textContent = `${percent} %`;
  } catch {
    // The server is away for a moment: ask again.
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
