// Each chart is drawn from the table beside it, so the two cannot differ.
const { Chart } = window;
const charts = [];

// A canvas does not know `light-dark()`; an element resolves it.
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

// The server counts days in UTC, so that is how they are named.
const dayFormat = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});

function day(iso) {
  return dayFormat.format(new Date(iso));
}

function rows(canvas) {
  return [...document.querySelectorAll(`#${canvas.dataset.table} [data-value]`)];
}

function draw(canvas) {
  const data = rows(canvas);
  const [ink, line] = [colour("ink-soft"), colour("line")];
  const main = colour(canvas.dataset.emotion ?? "accent");
  const hues = data.map((row) => (row.dataset.emotion ? colour(row.dataset.emotion) : main));
  const isLine = canvas.dataset.chart === "line";
  const shape = isLine
    ? { borderColor: main, backgroundColor: main, pointRadius: 3, borderWidth: 2 }
    : { backgroundColor: hues, borderRadius: 5, maxBarThickness: 56 };
  return new Chart(canvas, {
    type: canvas.dataset.chart,
    data: {
      labels: data.map((row) => row.dataset.label ?? day(row.dataset.day)),
      datasets: [{ data: data.map((row) => Number(row.dataset.value)), ...shape }],
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      locale: document.documentElement.lang,
      plugins: { legend: { display: false } },
      scales: {
        x: { ticks: { color: ink, maxRotation: 45 }, grid: { display: false }, border: { color: line } },
        y: {
          beginAtZero: true,
          ticks: { color: ink, precision: 0 },
          grid: { color: line },
          border: { display: false },
        },
      },
    },
  });
}

function drawAll() {
  for (const chart of charts.splice(0)) chart.destroy();
  for (const canvas of document.querySelectorAll("canvas[data-chart]")) charts.push(draw(canvas));
}

for (const row of document.querySelectorAll("[data-day]")) {
  row.firstElementChild.textContent = day(row.dataset.day);
}
drawAll();
document.addEventListener("themechange", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
