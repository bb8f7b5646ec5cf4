// The card of one photo: what is shown of it and of the answers. Knows nothing of the network.

const ADVICE = {
  glass: "Glass bank, by colour. Empty it; the lid goes with the metal or the plastic.",
  paper: "Paper bin. Dry and clean only: greasy paper and tissues are residual waste.",
  cardboard: "Cardboard or paper bin. Flatten it, and take tape and foam out.",
  plastic: "Packaging or plastic bin. Empty it; it need not be washed.",
  metal: "Metal or packaging bin. Empty cans and lids; spray cans only when they are empty.",
  trash: "Residual waste bin.",
};
const NAMES = { raw: "small model", pretrained: "large model" };
const KINDS = { raw: "raw: a small network, trained from scratch.", pretrained: "pretrained: a fine-tuned ResNet-50." };
const FINAL = new Set([413, 415, 422]); // the same photo would be refused again

export const nameOf = (model) => NAMES[model] ?? model;
const copy = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
const percent = (value) => `${(value * 100).toFixed(value >= 0.1 && value < 0.995 ? 0 : 1)}%`;
const megabytes = (file) => `${(file.size / 1e6).toFixed(1)} MB`;
const time = (milliseconds) => (milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`);

/** How often a model is right, by its card: on photos like those it was trained on, and on photos from other places. */
function howOftenRight(metrics, places) {
  const hundredths = (share) => `${(share * 100).toFixed(0)} of 100`;
  const [here, elsewhere] = [metrics.test?.accuracy, places?.held_out_mean?.accuracy];
  if (!here) return "";
  return `Right on ${hundredths(here)} test photos${elsewhere ? `, on ${hundredths(elsewhere)} from other places` : ""}.`;
}

export class Card {
  /** `unfolded`: whether the models' numbers are shown at once; many cards are easier to look through without. */
  constructor(photo, name, unfolded) {
    this.element = copy("card");
    this.find("details").open = unfolded;
    this.name = name;
    this.panels = new Map();
    const picture = this.find(".picture");
    picture.src = URL.createObjectURL(photo);
    picture.alt = `Your photo ${name}`;
    picture.addEventListener("error", () => this.#noPreview(), { once: true });
    this.find("figcaption").textContent = name;
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
    this.find("h2").textContent = "In line …";
    for (const text of [".share", ".advice", ".disagreement"]) this.find(text).textContent = "";
    this.find(".again").hidden = true;
    this.find(".models").replaceChildren();
    this.panels.clear();
  }

  look() {
    this.find("h2").textContent = "Looking …";
  }

  wait(seconds) {
    this.find("h2").textContent = "Waiting …";
    this.find(".advice").textContent = `The service is busy or starting; asking again in ${Math.ceil(seconds)} s.`;
  }

  smaller(original, sent) {
    this.find("figcaption").textContent = `${this.name}, made smaller before it was sent: ${megabytes(sent)} of ${megabytes(original)}`;
  }

  /** The answer of the model that is trusted most: the large word. Returns it as a sentence. */
  headline(answer) {
    this.element.removeAttribute("aria-busy");
    this.element.classList.toggle("unsure", !answer.sure);
    this.element.dataset.class = answer.best;
    const likely = `${answer.best}, ${percent(answer.probability)}`;
    this.word = this.find("h2").textContent = answer.sure ? answer.best : "not sure";
    this.find(".share").textContent = answer.sure ? percent(answer.probability) : `Perhaps ${likely}.`;
    this.find(".advice").textContent = answer.sure
      ? (ADVICE[answer.best] ?? "")
      : "Try again: one thing, near, in good light, on a plain ground. It may also be in no class.";
    return `${this.name}: ${answer.sure ? "" : "not sure, perhaps "}${likely}.`;
  }

  fail(problem) {
    this.element.removeAttribute("aria-busy");
    this.element.classList.add("failed");
    this.word = this.find("h2").textContent = "no answer";
    this.find(".advice").textContent =
      problem.message + (problem.status >= 500 && problem.requestId ? ` (request ${problem.requestId})` : "");
    this.find(".again").hidden = FINAL.has(problem.status);
    return `${this.name}: no answer. ${problem.message}`;
  }

  /** Says in words that the models differ. */
  compare(answers) {
    const differ = new Set(answers.map(({ answer }) => answer.best)).size > 1;
    const each = answers.map(({ model, answer }) => `the ${nameOf(model.name)} says ${answer.best}${answer.sure ? "" : " (not sure)"}`);
    this.find(".disagreement").textContent = differ ? `Models differ: ${each.join(", ")}.` : "";
  }

  /** One model's bars, with its word and its time, or its problem. `onLook`, if any, shows where it looked. */
  panel({ name: model, metrics, places }, answer, problem, onLook) {
    const panel = copy("model");
    this.panels.set(model, panel);
    this.find(".models").append(panel);
    panel.querySelector("h3").textContent = nameOf(model);
    panel.querySelector(".kind").textContent = `${KINDS[model] ?? ""} ${howOftenRight(metrics, places)}`.trim();
    if (problem) {
      panel.querySelector(".verdict").textContent = problem.message;
      return;
    }
    panel.classList.toggle("unsure", !answer.sure);
    const server = answer.serverMilliseconds === null ? "" : ` (${time(answer.serverMilliseconds)} in the server)`;
    panel.querySelector(".time").textContent = `In ${time(answer.milliseconds)}${server}`;
    panel.querySelector(".verdict").textContent = answer.sure ? answer.best : `not sure, perhaps ${answer.best}`;
    const bars = answer.classes.map(([label, probability]) => {
      const bar = copy("bar");
      const [name, value] = bar.querySelectorAll("span");
      name.textContent = label;
      value.textContent = percent(probability);
      bar.querySelector(".fill").style.width = `${probability * 100}%`;
      bar.classList.toggle("best", label === answer.best);
      bar.dataset.class = label;
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
    layer.alt = `Heat map of the ${nameOf(model)} for ${explanation.explained}`;
    text.textContent =
      `Bright is where the ${nameOf(model)} found signs of ${explanation.explained}. The map is coarse; it does not outline the thing, ` +
      "and it says nothing about whether the answer is right.";
    await layer.decode().catch(() => {});
  }

  /** Shows the service's drawing of the photo where the browser cannot show the photo itself. */
  preview(explanation) {
    this.#draw(".picture", explanation).alt = `Your photo ${this.name}, drawn by the service with its map`;
  }

  #draw(selector, explanation) {
    const picture = this.find(selector);
    if (picture.src) URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(explanation.image);
    picture.classList.add("drawn");
    return picture;
  }

  offerFeedback(classes) {
    this.find("select").replaceChildren(new Option("…", ""), ...classes.map((name) => new Option(name)));
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
