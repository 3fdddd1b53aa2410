// Candles with the trades in them, and the table of the same candles.
import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";

const SHOWN = 300; // candles
const IN_TABLE = 60;

// A canvas does not know `light-dark()`; an element resolves it.
export function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

// The library counts seconds in UTC and knows no zones: what it shows is moved to the reader's.
export function local(seconds) {
  return seconds - new Date(seconds * 1000).getTimezoneOffset() * 60;
}

export class CandleChart {
  /** `forming` is what the table says of a candle that is not closed. */
  constructor(box, { rows = null, digits = 5, shown = SHOWN, forming = "" } = {}) {
    this.box = box;
    this.rows = rows;
    this.formingWord = forming;
    this.shown = shown;
    this.digits = digits;
    this.candles = [];
    this.orders = [];
    this.chart = createChart(box, {
      autoSize: true,
      // Its logo would need a style element; the page shows the notice and the link itself.
      layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily },
      timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 4 },
      localization: { locale: document.documentElement.lang },
      handleScroll: { vertTouchDrag: false },
    });
    this.series = this.chart.addSeries(CandlestickSeries, {
      priceFormat: { type: "price", precision: digits, minMove: 10 ** -digits },
    });
    this.markers = createSeriesMarkers(this.series, []);
    this.paint();
    document.addEventListener("themechange", () => this.paint());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
  }

  paint() {
    const [up, down, line] = [colour("sad"), colour("warm"), colour("line")];
    this.chart.applyOptions({
      layout: { background: { color: colour("surface") }, textColor: colour("ink-soft") },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line },
    });
    this.series.applyOptions({
      upColor: up,
      downColor: down,
      wickUpColor: up,
      wickDownColor: down,
      borderVisible: false,
    });
    this.mark();
  }

  /** All candles anew, oldest first. */
  show(candles) {
    this.candles = candles.slice(-this.shown);
    this.series.setData(this.candles.map((one) => ({ ...one, time: local(one.start) })));
    this.mark();
    this.tell();
  }

  /** A closed candle, which may come after the next one has begun. */
  add(candle) {
    if (!this.put(candle)) this.correct(candle);
    this.mark();
    this.tell();
  }

  correct(candle) {
    const place = this.candles.findLastIndex((one) => one.start <= candle.start);
    if (place < 0) return; // older than all that is shown
    const isThere = this.candles[place].start === candle.start;
    const candles = this.candles.toSpliced(isThere ? place : place + 1, isThere ? 1 : 0, candle);
    this.show(candles);
  }

  /** The newest candle as it stands, before it closes. */
  form(candle) {
    const newest = this.candles.at(-1);
    const begins = newest?.start !== candle.start;
    // What closed stays as it closed, and without candles to follow on there is nothing to draw.
    if (!newest || (!begins && !newest.forming) || !this.put({ ...candle, forming: true })) return;
    if (begins) {
      this.mark();
      this.tell();
    } else {
      this.rows?.firstElementChild?.replaceWith(this.row(this.candles.at(-1)));
    }
  }

  /** Whether it follows on, or replaces, the newest one. */
  put(candle) {
    const newest = this.candles.at(-1);
    if (newest && candle.start < newest.start) return false;
    if (newest && candle.start === newest.start) this.candles.pop();
    this.candles.push(candle);
    this.series.update({ ...candle, time: local(candle.start) });
    if (this.candles.length > this.shown) this.candles.shift();
    return true;
  }

  showOrders(orders) {
    this.orders = orders;
    this.mark();
  }

  /** An arrow where a trade began, a dot with its profit where it ended. */
  mark() {
    if (this.candles.length === 0) return;
    const first = this.candles[0].start;
    const [good, bad, ink] = [colour("accent"), colour("bad"), colour("ink-soft")];
    const marks = [];
    for (const order of this.orders) {
      const began = this.candleAt(order.opened_at ?? order.created_at);
      if (began !== null && began >= first) {
        const up = order.direction === "call";
        marks.push({
          time: local(began),
          position: up ? "belowBar" : "aboveBar",
          shape: up ? "arrowUp" : "arrowDown",
          color: ink,
        });
      }
      const ended = order.profit === null ? null : this.candleAt(order.settled_at);
      if (ended !== null && ended >= first) {
        const profit = Number(order.profit);
        marks.push({
          time: local(ended),
          position: "inBar",
          shape: "circle",
          color: profit > 0 ? good : profit < 0 ? bad : ink,
          text: profit > 0 ? `+${order.profit}` : order.profit,
        });
      }
    }
    marks.sort((one, other) => one.time - other.time);
    this.markers.setMarkers(marks);
    this.box.dataset.marks = marks.length;
  }

  /** The start of the candle in which a moment lies; null for none. */
  candleAt(moment) {
    if (!moment) return null;
    const at = new Date(moment).getTime() / 1000;
    const found = this.candles.findLast((one) => one.start <= at);
    return found ? found.start : null;
  }

  /** The table, the newest first; a candle that is not closed yet says so. */
  tell() {
    if (!this.rows) return;
    const newest = this.candles.slice(-IN_TABLE).reverse();
    this.rows.replaceChildren(...newest.map((one) => this.row(one)));
  }

  row(candle) {
    const lang = document.documentElement.lang;
    const time = new Intl.DateTimeFormat(lang, { timeStyle: "medium" });
    const number = new Intl.NumberFormat(lang, {
      minimumFractionDigits: this.digits,
      maximumFractionDigits: this.digits,
    });
    const row = document.createElement("tr");
    row.dataset.start = candle.start;
    const when = document.createElement("td");
    when.textContent = time.format(new Date(candle.start * 1000));
    if (candle.forming) {
      row.dataset.forming = "";
      when.textContent += ` (${this.formingWord})`;
    }
    row.append(when);
    for (const name of ["open", "high", "low", "close"]) {
      const cell = document.createElement("td");
      cell.className = "number";
      cell.textContent = number.format(candle[name]);
      row.append(cell);
    }
    return row;
  }
}
