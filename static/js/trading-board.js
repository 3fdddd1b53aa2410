// The board of one session: what happens there is shown as it happens.
import { tellTimes } from "./times.js";
import { CandleChart } from "./trading-chart.js";
import { TradingSocket } from "./trading-socket.js";
import { word } from "./words.js";

const OFTEN_MS = 400; // between two looks at the pieces
const MARKED = 100; // orders

const board = document.getElementById("board");
const line = document.getElementById("line");
const session = board.dataset.session;
const chosen = document.getElementById("chart-asset");
const candleSize = document.getElementById("chart-seconds");
const box = document.getElementById("chart");
const trouble = document.getElementById("chart-trouble");
const chart = box
  ? new CandleChart(box, {
      rows: document.querySelector("#candles tbody"),
      forming: word("forming"),
    })
  : null;

const orders = new Map(); // by id
let due = 0;
let wasLost = false;
let meanwhile = null; // what closes while the candles before it are on their way
let looking = false;
let again = false;

/** The pieces of the page that change, as the server words them now. */
async function look() {
  due = 0;
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  try {
    const answer = await fetch(board.dataset.pieces, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    tellTimes(fresh);
    for (const piece of fresh.querySelectorAll("[data-piece]")) replace(piece);
  } catch {
    // The server is away for a moment; the socket's return looks again.
  } finally {
    looking = false;
    if (again) {
      again = false;
      lookSoon();
    }
  }
}

function replace(piece) {
  const old = document.getElementById(piece.id);
  // What did not change stays: a button keeps its focus, a reader hears nothing twice.
  if (!old || old.dataset.piece === piece.dataset.piece) return;
  for (const open of old.querySelectorAll("details[open][id]")) {
    const same = piece.querySelector(`#${open.id}`);
    if (same) same.open = true;
  }
  old.replaceWith(document.adoptNode(piece));
}

function lookSoon() {
  if (!due) due = setTimeout(look, OFTEN_MS);
}

/** The orders so far; what the socket told meanwhile is newer and stays. */
async function marks() {
  const url = `/api/v1/trading/sessions/${session}/orders?limit=${MARKED}`;
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  for (const one of (await answer.json()).orders) {
    if (one.settled_at !== null || !orders.has(one.id)) orders.set(one.id, one);
  }
  mark();
}

function mark() {
  const newest = [...orders.values()].sort((one, other) => one.id - other.id).slice(-MARKED);
  chart.showOrders(newest.filter((one) => one.asset === chosen.value));
}

async function drawCandles() {
  const query = new URLSearchParams({ asset: chosen.value, seconds: candleSize.value, count: 120 });
  const asked = query.toString();
  document.getElementById("candles-csv").href =
    `/api/v1/trading/sessions/${session}/candles.csv?${query}`;
  meanwhile = [];
  socket.watchCandles(chosen.value, Number(candleSize.value));
  try {
    const answer = await fetch(`/api/v1/trading/sessions/${session}/candles?${query}`, {
      headers: { Accept: "application/json" },
    });
    const told = await answer.json();
    if (asked !== currentQuery()) return; // another asset was chosen meanwhile
    trouble.textContent = answer.ok ? "" : told.detail;
    show(answer.ok ? told.candles : []);
    trouble.hidden = answer.ok;
    await marks();
  } catch {
    show([]);
    trouble.textContent = word("no-candles");
    trouble.hidden = false;
  }
}

function show(candles) {
  chart.show(candles);
  for (const candle of meanwhile ?? []) chart.add(candle);
  meanwhile = null;
}

function currentQuery() {
  return new URLSearchParams({
    asset: chosen.value,
    seconds: candleSize.value,
    count: 120,
  }).toString();
}

function isChosen(candle) {
  const size = Number(candleSize.value);
  return chart && candle.asset === chosen.value && candle.seconds === size;
}

const socket = new TradingSocket(session, Number(board.dataset.seq), {
  event(event) {
    board.dataset.seq = event.seq;
    board.dispatchEvent(new CustomEvent("told", { detail: event }));
    if (chart && event.kind === "order") {
      orders.set(event.data.id, event.data);
      mark();
    }
    lookSoon();
  },
  candle(candle) {
    if (!isChosen(candle)) return;
    if (meanwhile) meanwhile.push(candle);
    else chart.add(candle);
  },
  forming(candle) {
    if (isChosen(candle) && !meanwhile) chart.form(candle);
  },
  connected() {
    line.textContent = word("live");
    line.dataset.line = "live";
    lookSoon();
    // Candles that closed meanwhile would leave a hole.
    if (chart && wasLost) drawCandles();
    wasLost = false;
  },
  lost() {
    wasLost = true;
    line.textContent = word("lost");
    line.dataset.line = "lost";
  },
  ended(signedOut) {
    line.textContent = word(signedOut ? "signed-out" : "gone");
    line.dataset.line = "ended";
  },
});

/** What can be traded, into the lists from which it is chosen. */
async function listAssets() {
  try {
    const answer = await fetch(`/api/v1/trading/sessions/${session}/assets`, {
      headers: { Accept: "application/json" },
    });
    if (!answer.ok) return;
    const { assets } = await answer.json();
    const open = assets.filter((one) => one.is_open);
    document.getElementById("assets")?.replaceChildren(
      ...open.map((one) => new Option(`${one.name}: ${Math.round(one.payout * 100)} %`, one.name)),
    );
    const before = chosen.value;
    chosen.replaceChildren(...assets.map((one) => new Option(one.name, one.name)));
    if (assets.some((one) => one.name === before)) chosen.value = before;
    else if (open.length > 0) chosen.value = open[0].name;
    const typed = document.getElementById("id_asset");
    if (typed && !typed.value && open.length > 0) typed.value = open[0].name;
    if (chosen.value !== before) drawCandles();
  } catch {
    // The lists stay as they are; a name can be typed.
  }
}

if (chart) {
  if (document.getElementById("assets")) listAssets();
  chosen.addEventListener("change", drawCandles);
  candleSize.addEventListener("change", drawCandles);
  drawCandles();
}
