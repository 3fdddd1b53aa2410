// A session's events: each once, in the order of its number, whatever the line does.
//
// The socket is heard first and what is missing is fetched after, so nothing falls between; an
// event that comes early waits for those before it.

const ENDED = 4401;
const NOT_YOURS = 4404;
const LIMITED = 4429;
const LONGEST_WAIT_MS = 15_000;
const LIMITED_WAIT_MS = 30_000;

export class TradingSocket {
  /**
   * listener: event(event), candle(candle), forming(candle), connected(), lost(), ended()
   * `seq` is the number of the newest event that the page already shows.
   */
  constructor(session, seq, listener) {
    this.session = session;
    this.seq = seq;
    this.listener = listener;
    this.early = new Map();
    this.filling = false;
    this.tries = 0;
    this.closed = false;
    this.retry = 0;
    this.watch = null;
    this.silence = 0;
    this.open();
    addEventListener("online", () => {
      if (!this.closed && this.retry) this.open();
    });
    document.addEventListener("visibilitychange", () => {
      if (!this.closed && !document.hidden && this.retry) this.open();
    });
  }

  open() {
    clearTimeout(this.retry);
    this.retry = 0;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const query = new URLSearchParams({ session_id: this.session });
    const socket = new WebSocket(`${scheme}://${location.host}/ws/trading?${query}`);
    this.socket = socket;
    socket.addEventListener("message", (event) => {
      if (socket === this.socket && !this.closed) this.heard(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.lost(event.code);
    });
  }

  heard(message) {
    this.expectMore();
    if (message.type === "connected") {
      this.tries = 0;
      this.listener.connected(message);
      if (this.watch) this.send(this.watch);
      if (message.seq > this.seq) this.fill();
    } else if (message.type === "heartbeat") {
      // Somebody looks on: that is activity, and keeps the login from ending as idle.
      if (!document.hidden) this.send({ type: "heartbeat" });
      if (message.seq > this.seq) this.fill();
    } else if (message.type === "event") {
      this.take([message]);
    } else if (message.type === "candle") {
      this.listener.candle(message);
    } else if (message.type === "forming") {
      this.listener.forming(message);
    }
  }

  /** Tells events that follow on the newest one; keeps the others until those between are there. */
  take(events) {
    for (const event of events) {
      if (event.seq > this.seq) this.early.set(event.seq, event);
    }
    while (this.early.has(this.seq + 1)) {
      this.seq += 1;
      const event = this.early.get(this.seq);
      this.early.delete(this.seq);
      this.listener.event(event);
    }
    if (this.early.size > 0) this.fill();
  }

  /** Fetches what is missing. */
  async fill() {
    if (this.filling) return;
    this.filling = true;
    let gone = false;
    try {
      for (let more = true; more && !gone; ) {
        const url = `/api/v1/trading/sessions/${this.session}/events?after=${this.seq}`;
        const answer = await fetch(url, { headers: { Accept: "application/json" } });
        if (!answer.ok) break;
        const told = await answer.json();
        // Old events are deleted after a while; what is left of them is in the page itself.
        gone = told.events.length > 0 && told.events[0].seq > this.seq + 1;
        if (!gone) this.take(told.events);
        more = told.more;
      }
    } catch {
      // The server is away for a moment: the next heartbeat asks again.
    } finally {
      this.filling = false;
    }
    if (gone) location.reload();
  }

  /** Candles of one asset from now on, after a lost line too. */
  watchCandles(asset, seconds) {
    this.watch = { command: "watch", asset, seconds };
    this.send(this.watch);
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  // A line that is silent for longer than two heartbeats is dead, even if nobody said so.
  expectMore() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.socket.close(), 65_000);
  }

  lost(code) {
    clearTimeout(this.silence);
    if (this.closed) return;
    if (code === ENDED || code === NOT_YOURS) {
      this.closed = true;
      this.listener.ended(code === ENDED);
      return;
    }
    this.listener.lost();
    const wait = code === LIMITED ? LIMITED_WAIT_MS : Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.tries);
    this.tries += 1;
    this.retry = setTimeout(() => this.open(), wait * (0.75 + Math.random() / 2));
  }
}
