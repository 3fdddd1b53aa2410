// Calls to the assistant's REST side.
import { csrfToken } from "../api.js";
import { language, word } from "../words.js";

const ROOT = "/api/v1/assistant";

/** A refusal in words that a person can read; `status` 0: the server was not reached. */
export class Refused extends Error {
  constructor(status, problem) {
    super(status === 0 ? word("unreached") : (problem.detail ?? word("fault")));
    this.status = status;
    this.code = problem.code ?? "";
    this.wait = Number(problem.retry_after ?? 0);
  }
}

export async function call(method, path, body) {
  const headers = { Accept: "application/json", "Accept-Language": language };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  const form = body instanceof FormData;
  if (body && !form) headers["Content-Type"] = "application/json";
  let response;
  try {
    const sent = form ? body : body && JSON.stringify(body);
    response = await fetch(ROOT + path, { method, headers, body: sent });
  } catch {
    throw new Refused(0, {});
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    answer.retry_after ??= response.headers.get("Retry-After");
    throw new Refused(response.status, answer);
  }
  return answer;
}

export const exportAddress = (id, form) => `${ROOT}/conversations/${id}/export?form=${form}`;
export const attachmentAddress = (id) => `${ROOT}/attachments/${id}`;
