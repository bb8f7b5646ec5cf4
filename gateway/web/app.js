// Takes photos by drop, paste, choice and camera, and asks every model about each.

import { explain, hasKey, models, predict, sendFeedback, useKey } from "./api.js";
import { Card } from "./card.js";
import { droppedFiles } from "./drop.js";
import { asCsv, asJson, save } from "./results.js";
import { scaled, shouldScale } from "./scale.js";

const AT_ONCE = 2; // photos; each is asked of every model
const byId = (id) => document.getElementById(id);
const narrow = matchMedia("(max-width: 44rem)");
const queue = [];
let cards = []; // the newest photos first
let working = 0;
let service = { models: [], limits: {} };

/** Says something about the service. */
function say(text) {
  byId("status").classList.remove("unseen");
  byId("status").textContent = text;
}

/** Reads out what can be seen on a card, and counts the answers where there are several. */
function tell(sentence) {
  const rest = queue.length ? ` ${queue.length} to go.` : "";
  say(sentence + rest);
  byId("status").classList.add("unseen");
  const counts = new Map();
  for (const { word } of cards) if (word) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
  byId("tally").textContent = words && `On this page: ${words}.${rest}`;
  showProgress();
}

function showProgress() {
  const done = cards.filter(({ word }) => word).length;
  byId("results").hidden = cards.length < 2;
  Object.assign(byId("progress"), { max: cards.length, value: done, hidden: done === cards.length });
}

const results = () => cards.flatMap(({ results }) => results ?? []);

/** Learns which models there are; keeps asking while the server is away or wants a key. */
async function connect() {
  try {
    service = await models();
    byId("key").hidden = true;
    const silent = service.models.filter((model) => !model.ready).map((model) => model.name);
    if (silent.length) throw new Error(`Not ready yet: ${silent.join(", ")}. Photos wait for it.`);
    byId("kept").textContent = service.feedback
      ? "Photos are looked at and forgotten. Only those that you send in as wrongly judged are kept, to learn from them."
      : "Photos are looked at and forgotten: nothing is kept.";
    say("");
  } catch (problem) {
    if (problem.status === 401) return askForKey();
    say(problem.message);
    setTimeout(connect, 3000);
  }
  work();
}

function askForKey() {
  say(hasKey() ? "The service does not take this key. Check it, or ask whoever runs the service." : "");
  byId("key").hidden = false;
  byId("key-value").focus();
}

function add(files) {
  const photos = [...files];
  if (!photos.length) return;
  document.body.classList.add("asked");
  byId("examples").open = false;
  const added = photos.map((photo) => {
    const card = new Card(photo, photo.name || "Pasted picture", photos.length === 1);
    card.onAgain = () => enqueue(card, photo);
    return card;
  });
  cards = [...added, ...cards];
  byId("cards").prepend(...added.map(({ element }) => element));
  added.forEach((card, index) => enqueue(card, photos[index]));
  showProgress();
  if (narrow.matches) added[0].element.scrollIntoView({ block: "start" });
}

function enqueue(card, photo) {
  card.begin();
  queue.push([card, photo]);
  work();
}

function work() {
  while (service.models.length && working < AT_ONCE && queue.length) {
    working += 1;
    queue[0][0].look();
    ask(...queue.shift()).finally(() => {
      working -= 1;
      work();
    });
  }
}

async function ask(card, original) {
  const { max_body_bytes: maxBytes = Infinity } = service.limits;
  let photo = shouldScale(original, maxBytes) ? await scaled(original) : original;
  let answers = await askModels(card, photo);
  if (photo === original && answers.some(({ problem }) => problem?.status === 413)) {
    photo = await scaled(original);
    if (photo !== original) answers = await askModels(card, photo);
  }
  card.results = answers.map(({ model, answer, problem }) => ({ file: card.name, model: model.name, answer, problem }));
  const answered = answers.filter(({ answer }) => answer);
  const [trusted] = [...answered].sort((one, other) => accuracy(other) - accuracy(one));
  if (!trusted) {
    const { problem } = answers[0];
    if (problem.status === 401) askForKey();
    return tell(card.fail(problem));
  }
  if (photo !== original) card.smaller(original, photo);
  const sentence = card.headline(trusted.answer);
  card.compare(answered);
  for (const { model, answer, problem } of answers) {
    card.panel(model, answer, problem, model.explains && (() => look(card, model.name, photo)));
  }
  if (trusted.model.explains) {
    const preview = async () => card.preview(await explain(trusted.model.name, photo, "photo"));
    card.onNoPreview = () => preview().catch((problem) => say(problem.message));
    if (!card.previewed) card.onNoPreview();
  }
  if (service.feedback) {
    card.offerFeedback(trusted.model.classes);
    card.onFeedback = (label) => feedback(card, label, photo);
  }
  tell(sentence);
}

/** How far a model is to be trusted with photos from other places: the one with the best card has the large word. */
const accuracy = ({ model }) => model.places?.held_out_mean?.accuracy ?? model.metrics.test?.accuracy ?? 0;

/** What each model answers, or why it does not. */
function askModels(card, photo) {
  return Promise.all(
    service.models.map((model) =>
      predict(model.name, photo, (seconds) => card.wait(seconds)).then(
        (answer) => ({ model, answer }),
        (problem) => ({ model, problem }),
      ),
    ),
  );
}

async function look(card, model, photo) {
  if (card.panels.get(model).querySelector(".look").getAttribute("aria-pressed") === "true") return card.heat(model, null);
  try {
    await card.heat(model, await explain(model, photo, card.previewed ? "heat" : "photo"));
    card.find(".photo").scrollIntoView({ block: "nearest" });
  } catch (problem) {
    say(problem.message);
  }
}

async function feedback(card, label, photo) {
  try {
    await sendFeedback(label, photo);
    card.thank(`Thank you. The photo is kept as ${label}.`);
  } catch (problem) {
    card.thank(problem.message);
  }
}

byId("csv").addEventListener("click", () => save("answers.csv", "text/csv", asCsv(results())));
byId("json").addEventListener("click", () => save("answers.json", "application/json", asJson(results())));
byId("copy").hidden = !navigator.clipboard; // browsers have it on https and localhost only
byId("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(asCsv(results(), "\t"));
  say("Copied. It can be pasted into a spreadsheet.");
});
byId("clear").addEventListener("click", () => {
  queue.length = 0;
  for (const card of cards) card.remove();
  cards = [];
  byId("tally").textContent = "";
  say("");
  showProgress();
});
byId("unsure").addEventListener("change", ({ target }) => byId("cards").classList.toggle("only-unsure", target.checked));

for (const id of ["choose", "camera"]) {
  byId(id).addEventListener("change", ({ target }) => {
    add(target.files);
    target.value = "";
  });
}
document.querySelector(".drawings").addEventListener("click", async ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  try {
    const drawing = await (await fetch(button.value)).blob();
    add([new File([drawing], button.textContent, { type: drawing.type })]);
  } catch {
    say("The server can not be reached. Is it running, and are you connected?");
  }
});
document.addEventListener("paste", ({ clipboardData }) => add(clipboardData.files));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  try {
    add(await droppedFiles(event.dataTransfer));
  } catch {
    say("The folder can not be read. Choose its photos instead.");
  }
});
byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key-value").value);
  byId("key").hidden = true;
  connect();
});

connect();
