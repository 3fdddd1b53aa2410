// What the pages that read a hand share: the frame over the camera's picture, and the question.
import { csrfToken } from "./api.js";
import { language, word } from "./words.js";

const FRAME = 0.8; // side of the frame, of the shorter side of the camera's picture

/** Make the frame as large on the page as what is cut out of the picture. */
export function placeFrame(video, stage, aim) {
  const [wide, high] = [video.videoWidth, video.videoHeight];
  if (!wide) return;
  const scale = Math.min(stage.clientWidth / wide, stage.clientHeight / high);
  const side = `${Math.round(FRAME * Math.min(wide, high) * scale)}px`;
  aim.style.width = aim.style.height = side;
}

/** What is inside the frame, as a square JPEG as large as the canvas. */
export function cutOut(video, canvas, quality) {
  const side = FRAME * Math.min(video.videoWidth, video.videoHeight);
  const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
  canvas.getContext("2d").drawImage(video, left, top, side, side, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
}

/** The server said no, in words for people; `wait` is in milliseconds where it asks for a pause. */
export class Refusal extends Error {
  constructor(message, wait = 0) {
    super(message);
    this.wait = wait;
  }
}

/** The letter that the network sees. Throws `Refusal`, or what fetch throws without a server. */
export async function readHand(picture) {
  const form = new FormData();
  form.append("file", picture, "picture");
  const response = await fetch("/api/v1/letters/predict", {
    method: "POST",
    headers: {
      Accept: "application/json",
      "Accept-Language": language,
      "X-CSRFToken": csrfToken(),
    },
    body: form,
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const wait = 1000 * (Number(response.headers.get("Retry-After")) || 0);
  throw new Refusal(answer.detail ?? word("fault"), wait);
}
