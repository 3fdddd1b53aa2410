// To the clipboard, and say so on the button that was pressed.

export async function copyText(text, button, words) {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyByHand(text); // a page without HTTPS has no clipboard of its own
    say(button, words.copied);
  } catch {
    say(button, words.notCopied);
  }
}

function copyByHand(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "hidden-visually";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new DOMException("", "NotAllowedError");
}

function say(button, text) {
  const label = button.querySelector(".label") ?? button;
  const before = (button.dataset.label ??= label.textContent);
  label.textContent = text;
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = String(setTimeout(() => (label.textContent = before), 2000));
}
