// Alerts as they come, newest first, each one once however often the connection is cut.

import { elements } from "./fragment.js";

const FOLDED_WIDE = 8;
const FOLDED_NARROW = 3;
const KEPT = 100;
// The server says every two seconds that it is there.
const LONGEST_SILENCE = 10_000;
const PATROL = 2_000;
const RETURN = 2_000;

export function follow(list, earlier, rang, say) {
  const known = new Set(Array.from(list.children, (each) => each.dataset.place));
  const wide = matchMedia("(min-width: 75rem)");
  const title = document.title;
  let opened = false;
  let last = list.dataset.last;
  let source = null;
  let heard = Date.now();
  let unseen = 0;

  function fold() {
    const room = opened ? KEPT : wide.matches ? FOLDED_WIDE : FOLDED_NARROW;
    Array.from(list.children).forEach((item, at) => {
      item.hidden = at >= room;
    });
    earlier.hidden = list.children.length <= room;
    earlier.textContent = `Show ${list.children.length - room} earlier`;
  }

  function unfold() {
    const first = list.querySelector("li[hidden]");
    opened = true;
    fold();
    first.tabIndex = -1;
    first.focus();
  }

  function count(now) {
    unseen = now;
    document.title = unseen ? `(${unseen}) ${title}` : title;
  }

  function show(event) {
    if (event.lastEventId === "" || known.has(event.lastEventId)) {
      return;
    }
    last = event.lastEventId;
    known.add(last);
    const shown = elements(event.data);
    const name = shown.querySelector("[data-name]")?.dataset.name;
    const older = name && list.querySelector(`[data-name="${CSS.escape(name)}"]`);
    older?.closest("li").remove();
    const item = document.createElement("li");
    item.dataset.place = last;
    item.className = "new";
    item.append(shown);
    list.prepend(item);
    while (list.children.length > KEPT) {
      list.lastElementChild.remove();
    }
    fold();
    if (document.hidden) {
      count(unseen + 1);
    }
    rang();
  }

  function open() {
    source?.close();
    heard = Date.now();
    source = new EventSource(`/events?after=${encodeURIComponent(last)}`);
    const mine = source;
    source.addEventListener("alert", (event) => {
      heard = Date.now();
      show(event);
      say("live");
    });
    source.addEventListener("beat", () => {
      heard = Date.now();
      say("live");
    });
    source.addEventListener("trouble", (event) => {
      heard = Date.now();
      say("trouble", event.data);
    });
    source.addEventListener("open", () => {
      heard = Date.now();
      say("joined");
    });
    source.addEventListener("error", () => {
      say("lost");
      // Browsers come back by themselves after a cut, but not after an answer that was no stream.
      if (mine.readyState === EventSource.CLOSED) {
        setTimeout(() => mine === source && open(), RETURN);
      }
    });
  }

  // A connection can die without anybody saying so: a machine that slept, a cable, a proxy.
  setInterval(() => {
    if (Date.now() - heard > LONGEST_SILENCE) {
      say("lost");
      open();
    }
  }, PATROL);
  document.addEventListener("visibilitychange", () => document.hidden || count(0));
  window.addEventListener("pageshow", (event) => event.persisted && open());
  earlier.addEventListener("click", unfold);
  wide.addEventListener("change", fold);

  fold();
  open();
}
