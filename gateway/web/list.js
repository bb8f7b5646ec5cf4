// The list of photos and their answers: order, counts, progress, and how the answers leave the page.

import { asCsv, asJson, save } from "./results.js";
import { words } from "./words.js";

const byId = (id) => document.getElementById(id);
let cards = []; // the newest photos first
let unsaved = false;

/** Puts cards before those that are there. */
export function addCards(added) {
  cards = [...added, ...cards];
  byId("cards").prepend(...added.map(({ element }) => element));
  show(0);
}

/** Counts a card that has got its answer. `queued`: how many wait. What an example got need not be saved. */
export function countAnswer(card, queued) {
  unsaved ||= !card.example;
  show(queued);
}

function show(queued) {
  const counts = new Map();
  for (const { word } of cards) if (word) counts.set(word, (counts.get(word) ?? 0) + 1);
  const done = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const each = [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
  byId("tally").textContent = each && words.tally(each) + (queued ? ` ${words.toGo(queued)}` : "");
  byId("results").hidden = !cards.length;
  Object.assign(byId("progress"), { max: cards.length, value: done, hidden: done === cards.length });
}

const results = () => cards.flatMap(({ results }) => results ?? []);

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers have the clipboard on https and localhost only; this way is older and works without.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** Connects the buttons. `say` gets sentences; `cleared` is called when the list is empty again. */
export function prepareList(say, cleared) {
  const on = (id, act) =>
    byId(id).addEventListener("click", async () => {
      await act();
      unsaved = false;
    });
  on("csv", () => save("answers.csv", "text/csv", asCsv(results())));
  on("json", () => save("answers.json", "application/json", asJson(results())));
  on("copy", async () => {
    await copy(asCsv(results(), "\t"));
    say(words.copied);
  });
  byId("clear").addEventListener("click", () => {
    if (unsaved && !confirm(words.reallyClear)) return;
    for (const card of cards) card.remove();
    cards = [];
    unsaved = false;
    cleared();
    show(0);
  });
  byId("unsure").addEventListener("change", ({ target }) => byId("cards").classList.toggle("only-unsure", target.checked));
  addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
}
