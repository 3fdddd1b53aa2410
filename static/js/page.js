// What every page does: theme, menu, local times.
import { tellTimes } from "./times.js";

document.documentElement.classList.add("js");

const theme = document.getElementById("theme");
theme.hidden = false;
theme.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  document.dispatchEvent(new CustomEvent("themechange"));
});

const menu = document.getElementById("menu");
menu.addEventListener("click", () => {
  const open = document.getElementById("rail").classList.toggle("open");
  menu.setAttribute("aria-expanded", String(open));
});

tellTimes(document);
