// The table of prices, fetched every few seconds while somebody can see it, and after each alert.

import { elements } from "./fragment.js";

const EVERY = 5_000;
const SOON = 300;
const LONGEST_WAIT = 8_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function watch(place, stale) {
  let shown = "";
  let timer = 0;
  let asking = false;

  function plan(wait) {
    clearTimeout(timer);
    timer = setTimeout(refresh, wait);
  }

  async function refresh() {
    if (asking || document.hidden) {
      plan(EVERY);
      return;
    }
    asking = true;
    try {
      const answer = await fetch("/watched", { signal: AbortSignal.timeout(LONGEST_WAIT) });
      const text = await answer.text();
      if (!answer.ok) {
        throw new Error(text);
      }
      if (text !== shown) {
        place.replaceChildren(elements(text));
        shown = text;
      }
      stale.hidden = true;
      stale.textContent = "";
    } catch {
      stale.textContent = "The prices cannot be refreshed just now; each stands as of its time.";
      stale.hidden = false;
    } finally {
      asking = false;
      age(place);
      plan(EVERY);
    }
  }

  document.addEventListener("visibilitychange", () => document.hidden || plan(0));
  age(place);
  plan(EVERY);
  return () => plan(SOON);
}

function age(place) {
  for (const time of place.querySelectorAll("time[data-age]")) {
    time.textContent = `, ${ago(Date.now() - Date.parse(time.dateTime))}`;
  }
}

function ago(passed) {
  if (passed < MINUTE) {
    return "just now";
  }
  if (passed < HOUR) {
    return `${Math.floor(passed / MINUTE)} min ago`;
  }
  return passed < DAY ? `${Math.floor(passed / HOUR)} h ago` : `${Math.floor(passed / DAY)} d ago`;
}
