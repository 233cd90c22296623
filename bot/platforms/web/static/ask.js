// The conversation: a line goes out, its answer stands below it, the newest first.

import { elements } from "./fragment.js";

const LONGEST_WAIT = 30_000;
const KEPT = 50;

export function converse(form, answers, commands, hint) {
  const input = form.elements.line;
  const buttons = commands.getElementsByTagName("button");
  const unadvised = hint.textContent;
  const asked = [];
  let at = 0;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const line = input.value.trim();
    if (line === "") {
      input.focus();
      return;
    }
    asked.push(line);
    at = asked.length;
    input.value = "";
    advise();
    ask(line);
  });

  // Up and down bring earlier lines back, as in a terminal.
  input.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step === undefined || asked.length === 0) {
      return;
    }
    event.preventDefault();
    at = Math.min(Math.max(at + step, 0), asked.length);
    input.value = asked[at] ?? "";
    advise();
  });

  // What a command is for stands below the box as soon as its name is typed.
  function advise() {
    const name = input.value.trim().split(" ")[0].toLowerCase();
    const command = Array.from(buttons).find((each) => each.dataset.command === name);
    hint.textContent = command === undefined ? unadvised : `${name}: ${command.dataset.usage}`;
  }

  input.addEventListener("input", advise);
  commands.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button !== null) {
      input.value = `${button.dataset.command} `;
      input.focus();
      advise();
    }
  });

  async function ask(line) {
    const item = document.createElement("li");
    const question = document.createElement("p");
    const answer = document.createElement("div");
    question.className = "asked";
    question.textContent = line;
    answer.className = "waiting";
    answer.textContent = "…";
    item.append(question, answer);
    answers.prepend(item);
    // It scrolls, so the keyboard must come to it.
    answers.tabIndex = 0;
    while (answers.children.length > KEPT) {
      answers.lastElementChild.remove();
    }
    try {
      const response = await fetch("/ask", {
        method: "POST",
        headers: { "Content-Type": "text/plain; charset=utf-8" },
        body: line,
        signal: AbortSignal.timeout(LONGEST_WAIT),
      });
      const text = await response.text();
      if (response.headers.get("Content-Type")?.startsWith("text/html")) {
        answer.replaceChildren(elements(text));
      } else {
        answer.textContent = text;
      }
    } catch {
      answer.textContent = "No answer came: ask again when the connection is back.";
    }
    answer.className = "";
  }
}
