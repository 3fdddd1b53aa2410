// What a reload of this tab must not lose: drafts, and questions that the server has not taken.

// Of this reader alone: the next one in the same tab has their own.
const KEY = `visionai-chat:${document.getElementById("chat").dataset.user}`;

function all() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function keep(name, value) {
  const kept = all();
  if (value === null) delete kept[name];
  else kept[name] = value;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Full or forbidden: the draft lives as long as the page.
  }
}

const draftOf = (conversation) => `draft:${conversation ?? "new"}`;

/** {text, files} of a conversation, null for none. */
export const draft = (conversation) => all()[draftOf(conversation)] ?? null;

export function keepDraft(conversation, text, files) {
  keep(draftOf(conversation), text || files.length ? { text, files } : null);
}

/** Questions under way, by their ref. */
export const outbox = () => all().outbox ?? {};

export function keepOutbox(asks) {
  keep("outbox", Object.keys(asks).length ? asks : null);
}

export function forgetAll() {
  sessionStorage.removeItem(KEY);
}
