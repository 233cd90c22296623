// The page keeps itself as it would be if it were opened now.

import { follow } from "./alerts.js";
import { converse } from "./ask.js";
import { watch } from "./watched.js";

const STATES = {
  joining: "Connecting",
  joined: "Live",
  live: "Live",
  lost: "Connection lost, trying again",
  trouble: "Not reached",
};

const here = (id) => document.getElementById(id);
const connection = here("connection");
const trouble = here("trouble");

function say(state, sentence = "") {
  // A new connection proves that the page is served; a store that was away must speak for itself.
  if (state === "joined" && connection.dataset.state === "trouble") {
    return;
  }
  if (connection.dataset.state !== state) {
    connection.dataset.state = state;
    connection.textContent = STATES[state];
  }
  trouble.textContent = sentence;
  trouble.hidden = sentence === "";
}

const refresh = watch(here("watched"), here("stale"));
follow(here("alerts"), here("earlier"), refresh, say);
converse(here("ask"), here("answers"), here("commands"), here("hint"));
