// Takes photos by drop, paste, choice and camera, and asks every model about each.

import { explain, models, predict, sendFeedback, useKey } from "./api.js";
import { Card } from "./card.js";
import { droppedFiles } from "./drop.js";
import { scaled, shouldScale } from "./scale.js";

const AT_ONCE = 2; // photos; each is asked of every model
const KEPT_CARDS = 100;
const FEW = 3; // photos at a time whose numbers are shown without being asked for

const byId = (id) => document.getElementById(id);
const queue = [];
const cards = [];
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
  byId("tally").textContent = cards.length > 1 ? `On this page: ${words}.${rest}` : "";
}

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
  byId("key").hidden = false;
  byId("key-value").focus();
}

function add(files) {
  const photos = [...files];
  for (const photo of photos) {
    const card = new Card(photo, photo.name || "Pasted picture", photos.length <= FEW);
    card.onAgain = () => enqueue(card, photo);
    byId("cards").prepend(card.element);
    cards.push(card);
    enqueue(card, photo);
  }
  while (cards.length > KEPT_CARDS && !cards[0].element.hasAttribute("aria-busy")) cards.shift().remove();
}

function enqueue(card, photo) {
  card.begin();
  queue.push([card, photo]);
  work();
}

function work() {
  while (service.models.length && working < AT_ONCE && queue.length) {
    working += 1;
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
  const [trusted] = answers.filter(({ answer }) => answer).sort((one, other) => accuracy(other) - accuracy(one));
  if (!trusted) {
    const { problem } = answers[0];
    if (problem.status === 401) askForKey();
    return tell(card.fail(problem));
  }
  if (photo !== original) card.smaller(original, photo);
  const sentence = card.headline(trusted.answer);
  for (const { model, answer, problem } of answers) {
    card.panel(model, answer, problem, model.explains && (() => look(card, model.name, photo)));
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
    card.heat(model, await explain(model, photo));
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
