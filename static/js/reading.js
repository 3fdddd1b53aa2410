// One reading on the page: its bars, and boxes drawn over a picture.
import { EMOTIONS, emotionWord, percent } from "./words.js";

/** Probabilities by name, whether they came as an object or as a list in the contract's order. */
export function byName(probabilities) {
  if (!probabilities) return {};
  if (!Array.isArray(probabilities)) return probabilities;
  return Object.fromEntries(EMOTIONS.map((name, index) => [name, probabilities[index]]));
}

/**
 * Fill the seven bars below `root`; without probabilities they go to zero. `marked` are others
 * that are shown as a mark on each bar that has one.
 */
export function showBars(root, probabilities, marked = null) {
  const shares = byName(probabilities);
  const marks = byName(marked);
  const largest = Math.max(0, ...Object.values(shares));
  for (const row of root.querySelectorAll(".bars [data-emotion]")) {
    const share = shares[row.dataset.emotion];
    const bar = row.querySelector(".bar");
    bar.setAttribute("aria-valuenow", String(share ?? 0));
    bar.firstElementChild.setAttribute("width", String(100 * (share ?? 0)));
    const mark = bar.querySelector(".mark");
    mark?.setAttribute("x", String(99 * (marks[row.dataset.emotion] ?? -1)));
    row.querySelector(".number").textContent = share === undefined ? "–" : percent(share);
    row.classList.toggle("top-one", share !== undefined && share === largest);
  }
}

// `light-dark()` is not a colour that a canvas knows; a probe element resolves it.
function resolved(name) {
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.className = EMOTIONS.includes(name) ? name : "neutral";
  document.body.append(probe);
  probe.style.color = "var(--hue)";
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const colours = new Map();
document.addEventListener("themechange", () => colours.clear());

function canvasColour(name) {
  if (!colours.has(name)) colours.set(name, resolved(name));
  return colours.get(name);
}

/**
 * Draw each face's box and label. `scale` maps the answer's pixels to the canvas; a mirrored
 * picture gets its boxes mirrored, but never its letters.
 */
export function drawFaces(canvas, faces, { scale = 1, mirrored = false, letters = 3.2 } = {}) {
  const context = canvas.getContext("2d");
  const unit = Math.max(canvas.width, canvas.height) / 100;
  const high = Math.max(12, unit * letters) * 1.5; // of a label
  context.lineWidth = Math.max(2, unit * 0.5);
  context.font = `600 ${high / 1.5}px system-ui, sans-serif`;
  context.textBaseline = "top";
  faces.forEach((face, index) => {
    if (!face.box) return;
    const { x, y, width, height } = face.box;
    const [w, h, top] = [width * scale, height * scale, y * scale];
    const left = mirrored ? canvas.width - (x + width) * scale : x * scale;
    context.strokeStyle = canvasColour(face.emotion_name);
    context.strokeRect(left, top, w, h);
    const number = faces.length > 1 ? `${index + 1} · ` : "";
    const label = `${number}${emotionWord(face.emotion_name)} ${percent(face.confidence)}`;
    const wide = context.measureText(label).width + high * 0.6;
    const labelTop = top >= high ? top - high : top;
    const labelLeft = Math.max(0, Math.min(left, canvas.width - wide));
    context.fillStyle = "rgb(12 17 19 / 0.82)";
    context.fillRect(labelLeft, labelTop, wide, high);
    context.fillStyle = "#ffffff";
    context.fillText(label, labelLeft + high * 0.3, labelTop + high * 0.2);
  });
}
