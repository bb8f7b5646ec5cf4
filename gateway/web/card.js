// The card of one photo: what is shown of it and of the answers. Knows nothing of the network.

import { adviceOf, nameOf, nameOfModel, paint } from "./classes.js";
import { howOftenRight } from "./knows.js";
import { megabytes, percent, time, words } from "./words.js";

const FINAL = new Set([413, 415, 422]); // the same photo would be refused again

const copy = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

export class Card {
  /** `unfolded`: whether the models' numbers are shown at once; many cards are easier to look through without. */
  constructor(photo, name, unfolded) {
    this.element = copy("card");
    this.find("details").open = unfolded;
    this.name = name;
    this.panels = new Map();
    const picture = this.find(".picture");
    picture.src = URL.createObjectURL(photo);
    picture.alt = words.yourPhoto(name);
    picture.addEventListener("error", () => this.#noPreview(), { once: true });
    this.find("figcaption").textContent = name;
    this.find(".photo").dataset.without = words.noPreview;
    this.find(".again").addEventListener("click", () => this.onAgain?.());
    this.find(".feedback").addEventListener("submit", (event) => {
      event.preventDefault();
      this.onFeedback?.(this.find("select").value);
    });
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  /** The browser cannot show the format: the map that the service draws over the photo stands in for it. */
  #noPreview() {
    this.element.classList.add("no-preview");
    this.onNoPreview?.();
  }

  get previewed() {
    return !this.element.classList.contains("no-preview");
  }

  /** The photo stands in line. */
  begin() {
    this.element.setAttribute("aria-busy", "true");
    this.element.classList.remove("failed", "unsure");
    delete this.element.dataset.class;
    this.word = null;
    this.find("h2").textContent = words.inLine;
    for (const text of [".share", ".advice", ".doubt", ".disagreement"]) this.find(text).textContent = "";
    this.find(".again").hidden = true;
    this.find(".models").replaceChildren();
    this.panels.clear();
  }

  look() {
    this.find("h2").textContent = words.looking;
  }

  wait(seconds) {
    this.find("h2").textContent = words.waiting;
    this.find(".advice").textContent = words.askingAgain(time(Math.ceil(seconds) * 1000));
  }

  smaller(original, sent) {
    this.find("figcaption").textContent = words.smaller(this.name, megabytes(sent), megabytes(original));
  }

  /** The answer of the model that is trusted most: the large word. `doubt`: the operator's line. Returns a sentence. */
  headline(answer, doubt) {
    this.element.removeAttribute("aria-busy");
    this.element.classList.toggle("unsure", !answer.sure);
    paint(this.element, answer.best);
    const name = nameOf(answer.best);
    const likely = `${name}, ${percent(answer.probability)}`;
    this.word = this.find("h2").textContent = answer.sure ? name : words.notSure;
    this.find(".share").textContent = answer.sure ? percent(answer.probability) : words.perhaps(likely);
    this.find(".advice").textContent = answer.sure ? adviceOf(answer.best) : words.better;
    this.find(".doubt").textContent = doubt && !answer.sure ? words.ifInDoubt(doubt) : "";
    return `${this.name}: ${answer.sure ? likely : words.notSurePerhaps(likely)}.`;
  }

  fail(problem) {
    this.element.removeAttribute("aria-busy");
    this.element.classList.add("failed");
    this.word = this.find("h2").textContent = words.noAnswer;
    this.find(".advice").textContent =
      problem.message + (problem.status >= 500 && problem.requestId ? words.request(problem.requestId) : "");
    this.find(".again").hidden = FINAL.has(problem.status);
    return `${this.name}: ${words.noAnswer}. ${problem.message}`;
  }

  /** Says in words that the models differ. */
  compare(answers) {
    const differ = new Set(answers.map(({ answer }) => answer.best)).size > 1;
    const each = answers.map(({ model, answer }) => words.says(nameOfModel(model.name), nameOf(answer.best), answer.sure));
    this.find(".disagreement").textContent = differ ? words.differ(each.join(", ")) : "";
  }

  /** One model's bars, with its word and its time, or its problem. `onLook`, if any, shows where it looked. */
  panel(description, answer, problem, onLook) {
    const model = description.name;
    const panel = copy("model");
    this.panels.set(model, panel);
    this.find(".models").append(panel);
    panel.querySelector("h3").textContent = nameOfModel(model);
    panel.querySelector(".kind").textContent = `${words.kinds[model] ?? ""} ${howOftenRight(description)}`.trim();
    if (problem) {
      panel.querySelector(".verdict").textContent = problem.message;
      return;
    }
    panel.classList.toggle("unsure", !answer.sure);
    const server = answer.serverMilliseconds === null ? "" : time(answer.serverMilliseconds);
    panel.querySelector(".time").textContent = words.took(time(answer.milliseconds), server);
    const best = nameOf(answer.best);
    panel.querySelector(".verdict").textContent = answer.sure ? best : words.notSurePerhaps(best);
    const bars = answer.classes.map(([label, probability]) => {
      const bar = copy("bar");
      const [name, value] = bar.querySelectorAll("span");
      name.textContent = nameOf(label);
      value.textContent = percent(probability);
      bar.querySelector(".fill").style.width = `${probability * 100}%`;
      bar.classList.toggle("best", label === answer.best);
      paint(bar, label);
      return bar;
    });
    panel.querySelector(".bars").replaceChildren(...bars);
    const look = panel.querySelector(".look");
    look.hidden = !onLook;
    look.addEventListener("click", () => onLook());
  }

  /** Lays a heat map over the photo, or takes it away (null); where the photo has no preview, the map holds it. */
  async heat(model, explanation) {
    for (const [name, panel] of this.panels) {
      panel.querySelector(".look").setAttribute("aria-pressed", String(Boolean(explanation) && name === model));
    }
    this.element.classList.toggle("explained", Boolean(explanation));
    const text = this.find(".looked");
    text.hidden = !explanation;
    if (this.previewed) this.find(".heat").hidden = !explanation;
    if (!explanation) return;
    const layer = this.#draw(this.previewed ? ".heat" : ".picture", explanation);
    layer.alt = words.mapOf(nameOfModel(model), nameOf(explanation.explained));
    text.textContent = words.bright(nameOfModel(model), nameOf(explanation.explained));
    await layer.decode().catch(() => {});
  }

  /** Shows the service's drawing of the photo where the browser cannot show the photo itself. */
  preview(explanation) {
    this.#draw(".picture", explanation).alt = words.drawnByService(this.name);
  }

  #draw(selector, explanation) {
    const picture = this.find(selector);
    if (picture.src) URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(explanation.image);
    picture.classList.add("drawn");
    return picture;
  }

  offerFeedback(classes) {
    this.find("select").replaceChildren(new Option("…", ""), ...classes.map((label) => new Option(nameOf(label), label)));
    this.find(".feedback").hidden = false;
  }

  thank(text) {
    this.find(".feedback").replaceChildren(text);
  }

  remove() {
    URL.revokeObjectURL(this.find(".picture").src);
    this.element.remove();
  }
}
