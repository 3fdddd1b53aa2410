// The camera's socket: opens again by itself, with growing waits, until the session is over.

const ENDED = 4401;
const LIMITED = 4429;
const LONGEST_WAIT_MS = 15_000;
const LIMITED_WAIT_MS = 30_000;
const PATIENCE_MS = 6_000; // a picture that is not answered by then is lost, and the line with it

export class CameraSocket {
  constructor(listener) {
    this.listener = listener;
    this.tries = 0;
    this.closed = false;
    this.retry = 0;
    this.watch = 0;
    this.open();
    this.online = () => {
      if (!this.closed && this.retry) this.open();
    };
    addEventListener("online", this.online);
  }

  get ready() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.retry);
    this.retry = 0;
    if (this.tries === 0) this.listener.connecting();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/camera`);
    this.socket = socket;
    socket.addEventListener("open", () => {
      if (this.closed) return;
      this.listener.ready();
    });
    socket.addEventListener("message", (event) => {
      if (this.closed || socket !== this.socket) return;
      const message = JSON.parse(event.data);
      if (!["prediction", "dropped", "error"].includes(message.type)) return;
      clearTimeout(this.watch);
      this.tries = 0;
      this.listener.answer(message);
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.lost(event.code);
    });
  }

  lost(code) {
    clearTimeout(this.watch);
    if (this.closed) return;
    if (code === ENDED) {
      this.close();
      this.listener.ended();
      return;
    }
    let wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.tries);
    if (code === LIMITED) {
      wait = LIMITED_WAIT_MS;
      this.listener.limited();
    }
    this.tries += 1;
    this.listener.lost();
    this.retry = setTimeout(() => this.open(), wait * (0.75 + Math.random() / 2));
  }

  send(blob) {
    this.socket.send(blob);
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.socket.close(), PATIENCE_MS);
  }

  close() {
    this.closed = true;
    clearTimeout(this.retry);
    clearTimeout(this.watch);
    removeEventListener("online", this.online);
    this.socket.close();
  }
}
