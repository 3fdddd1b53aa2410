// The line to the assistant: one socket that opens again by itself, with growing waits.

const ENDED = 4401;
const LIMITED = 4429;
const LONGEST_WAIT_MS = 15_000;
const LIMITED_WAIT_MS = 30_000;
const PING_MS = 20_000; // a line that says nothing is asked whether it lives
const PATIENCE_MS = 8_000;

export class Line {
  /** listener: up(), heard(message), down(limited), ended() */
  constructor(path, listener) {
    this.path = path;
    this.listener = listener;
    this.tries = 0;
    this.closed = false;
    this.retry = 0;
    this.watch = 0;
    this.open();
    addEventListener("online", () => this.tryNow());
    // A cut network is told at once; the socket itself would notice after minutes.
    addEventListener("offline", () => this.drop());
    document.addEventListener("visibilitychange", () => !document.hidden && this.tryNow());
    addEventListener("pageshow", (event) => event.persisted && this.tryNow());
  }

  get ready() {
    return this.welcome && this.socket.readyState === WebSocket.OPEN;
  }

  tryNow() {
    if (this.closed || !this.retry) return;
    this.tries = 0;
    this.open();
  }

  open() {
    clearTimeout(this.retry);
    this.retry = 0;
    this.welcome = false;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    this.socket = socket;
    this.expect(PING_MS);
    socket.addEventListener("message", (event) => {
      if (socket !== this.socket || this.closed) return;
      this.expect(PING_MS);
      this.take(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.lost(event.code);
    });
  }

  take(message) {
    if (message.type !== "connected") return this.listener.heard(message);
    this.welcome = true;
    this.tries = 0;
    this.listener.up();
  }

  /** Whether it was handed to the socket; not whether it arrived. */
  send(message) {
    if (!this.ready) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  expect(wait) {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => {
      if (!this.send({ type: "ping" })) return this.drop();
      this.watch = setTimeout(() => this.drop(), PATIENCE_MS);
    }, wait);
  }

  /** A dead socket may take long to close: the line is lost now. */
  drop() {
    const socket = this.socket;
    this.lost(1006);
    socket.close();
  }

  lost(code) {
    clearTimeout(this.watch);
    if (this.closed || this.retry) return;
    this.welcome = false;
    this.socket = { readyState: WebSocket.CLOSED, close() {} };
    if (code === ENDED) {
      this.closed = true;
      this.listener.ended();
      return;
    }
    this.listener.down(code === LIMITED);
    const wait = code === LIMITED ? LIMITED_WAIT_MS : Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.tries);
    this.tries += 1;
    this.retry = setTimeout(() => this.open(), wait * (0.75 + Math.random() / 2));
  }
}
