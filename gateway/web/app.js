// Takes photos by drop, paste, choice and camera, and asks every model about each.

import { explain, hasKey, models, predict, sendFeedback, useKey } from "./api.js";
import { prepareCamera } from "./camera.js";
import { Card } from "./card.js";
import { learnClasses, nameOf } from "./classes.js";
import { droppedFiles } from "./drop.js";
import { accuracyOf, showWhatItKnows } from "./knows.js";
import { addCards, countAnswer, prepareList } from "./list.js";
import { scaled, shouldScale } from "./scale.js";
import { fillIn, language, linksToOtherLanguages, words } from "./words.js";

const AT_ONCE = 2; // photos; each is asked of every model
const byId = (id) => document.getElementById(id);
const narrow = matchMedia("(max-width: 44rem)");
const queue = [];
let working = 0;
let service = { models: [], limits: {} };

/** Says something about the service. */
function say(text) {
  byId("status").classList.remove("unseen");
  byId("status").textContent = text;
}

/** Reads out what can be seen on a card. */
function tell(card, sentence) {
  say(queue.length ? `${sentence} ${words.toGo(queue.length)}` : sentence);
  byId("status").classList.add("unseen");
  countAnswer(card, queue.length);
}

/** Learns which models there are; keeps asking while the server is away or wants a key. */
async function connect() {
  try {
    service = await models();
    byId("key").hidden = true;
    learnClasses(service.class_descriptions);
    showWhatItKnows(service.models);
    showInDoubt(service.if_in_doubt);
    const silent = service.models.filter((model) => !model.ready).map((model) => model.name);
    if (silent.length) throw new Error(words.notReady(silent.join(", ")));
    byId("kept").textContent = service.feedback ? words.keptSome : words.keptNone;
    say("");
  } catch (problem) {
    if (problem.status === 401) return askForKey();
    say(problem.message);
    setTimeout(connect, 3000);
  }
  work();
}

function showInDoubt(line) {
  byId("in-doubt").textContent = line ? words.ifInDoubt(line) : "";
}

function askForKey() {
  say(hasKey() ? words.wrongKey : "");
  byId("key").hidden = false;
  byId("key-value").focus();
}

/** `unfolded`: whether the models' numbers are shown at once. */
function add(files, { unfolded = files.length === 1, example = false } = {}) {
  const photos = [...files];
  if (!photos.length) return;
  document.body.classList.add("asked");
  byId("examples").open = byId("knows").open = false;
  const added = photos.map((photo) => {
    const card = new Card(photo, photo.name || words.pasted, unfolded);
    card.example = example;
    card.onAgain = () => enqueue(card, photo);
    return card;
  });
  addCards(added);
  added.forEach((card, index) => enqueue(card, photos[index]));
  if (document.body.classList.contains("live")) scrollTo({ top: 0 }); // the live picture, and the newest answer below
  else if (narrow.matches) added[0].element.scrollIntoView({ block: "start" });
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
  const [trusted] = [...answered].sort((one, other) => trust(other) - trust(one));
  if (!trusted) {
    const { problem } = answers[0];
    if (problem.status === 401) askForKey();
    return tell(card, card.fail(problem));
  }
  if (photo !== original) card.smaller(original, photo);
  const sentence = card.headline(trusted.answer, service.if_in_doubt);
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
  tell(card, sentence);
}

/** How far a model is to be trusted with photos from other places: the one with the best card has the large word. */
function trust({ model }) {
  const { own, elsewhere } = accuracyOf(model);
  return elsewhere ?? own ?? 0;
}

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
    card.thank(words.thanks(nameOf(label)));
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
document.querySelector(".renderings").addEventListener("click", async ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  try {
    const rendering = await (await fetch(button.value)).blob();
    add([new File([rendering], button.textContent.trim(), { type: rendering.type })], { example: true });
  } catch {
    say(words.offline);
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
    say(words.noFolder);
  }
});
byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key-value").value);
  byId("key").hidden = true;
  connect();
});

document.documentElement.lang = language;
document.body.dataset.letGo = words.letGo;
fillIn(document);
byId("limits-list").append(...words.limits.map((limit) => Object.assign(document.createElement("li"), { textContent: limit })));
byId("languages").append(...linksToOtherLanguages());
prepareList(say, () => {
  queue.length = 0;
  say("");
});
prepareCamera((photo) => add([photo], { unfolded: false }));
connect();
