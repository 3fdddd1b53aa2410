// Moments in the reader's own zone and language.
const format = new Intl.DateTimeFormat(document.documentElement.lang, {
  dateStyle: "medium",
  timeStyle: "short",
});
const exact = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium" });

/** Words each `<time>` below `root` locally; one of class `exact` is a time of day with seconds. */
export function tellTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    time.textContent = (time.classList.contains("exact") ? exact : format).format(at);
  }
}
