// The page's own sentences, already in the reader's language.
const words = document.getElementById("words").content;

export const language = document.documentElement.lang;

export function word(name) {
  return words.querySelector(`[data-word="${name}"]`).textContent.trim();
}

/** A sentence of the page with its places filled, as {name}. */
export function filled(name, values) {
  return word(name).replace(/\{(\w+)\}/g, (_place, key) => values[key]);
}

/** The same with its markup (links), as nodes. */
export function passage(name) {
  return words.querySelector(`[data-word="${name}"]`).cloneNode(true);
}

export const EMOTIONS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];

const decimalFormat = new Intl.NumberFormat(language, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

export function oneDecimal(value) {
  return decimalFormat.format(value);
}

const percentFormat = new Intl.NumberFormat(language, {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

/** A probability; nothing is certain, so none is shown as 100 %. */
export function percent(probability) {
  return percentFormat.format(Math.min(probability, 0.999));
}

export function emotionWord(name) {
  return EMOTIONS.includes(name) ? word(name) : word("unsure");
}
