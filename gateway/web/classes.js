// What people are shown of a class: its name and advice in their language, its colour. GET /models has it.

import { language, words } from "./words.js";

let known = {};

/** Takes what the service knows of its classes, by label. */
export function learnClasses(descriptions = {}) {
  known = descriptions;
}

// A language that is missing: English, else whatever is there.
const inWords = (texts = {}) => texts[language] ?? texts.en ?? Object.values(texts)[0];

export const nameOf = (label) => inWords(known[label]?.names) ?? label;
export const adviceOf = (label) => inWords(known[label]?.advice) ?? "";
export const nameOfModel = (model) => words.models[model] ?? model;

/** Gives an element the colour of a class; a class without one has a hue made of its name. */
export function paint(element, label) {
  const { color, color_dark: dark } = known[label] ?? {};
  const hue = [...label].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  element.dataset.class = label;
  element.style.setProperty("--light", color ?? `hsl(${hue} 55% 36%)`);
  element.style.setProperty("--dark", dark ?? color ?? `hsl(${hue} 55% 66%)`);
}
