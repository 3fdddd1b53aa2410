// A backtest's candles with its trades, and the line of its balance, from the file that it made.
import { LineSeries, createChart } from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { CandleChart, colour, local } from "./trading-chart.js";

const charts = document.getElementById("charts");
const iso = (seconds) => new Date(seconds * 1000).toISOString();

function drawEquity(points) {
  const chart = createChart(document.getElementById("equity"), {
    autoSize: true,
    layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily },
    timeScale: { timeVisible: true },
    localization: { locale: document.documentElement.lang },
    handleScroll: { vertTouchDrag: false },
  });
  const series = chart.addSeries(LineSeries, { lineWidth: 2 });
  const data = new Map(points.map(([at, value]) => [local(at), value])); // one a moment, the last
  series.setData([...data].map(([time, value]) => ({ time, value })));
  const paint = () => {
    const line = colour("line");
    chart.applyOptions({
      layout: { background: { color: colour("surface") }, textColor: colour("ink-soft") },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line },
    });
    series.applyOptions({ color: colour("accent") });
  };
  paint();
  chart.timeScale().fitContent();
  document.addEventListener("themechange", paint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}

const answer = await fetch(charts.dataset.url);
if (answer.ok) {
  const { candles, trades, equity } = await answer.json();
  const chart = new CandleChart(document.getElementById("chart"), {
    rows: document.querySelector("#candles tbody"),
    shown: candles.length,
  });
  chart.show(candles.map(([start, open, high, low, close]) => ({ start, open, high, low, close })));
  chart.showOrders(
    trades.map((one) => ({
      ...one,
      opened_at: iso(one.opened_at),
      settled_at: iso(one.expires_at),
    })),
  );
  drawEquity(equity);
}
