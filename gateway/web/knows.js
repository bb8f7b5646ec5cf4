// What the service knows: its classes, and how often each model is right. All of it from GET /models.

import { nameOf, nameOfModel, paint } from "./classes.js";
import { words } from "./words.js";

const byId = (id) => document.getElementById(id);
const hundredths = (share) => (share === undefined ? "–" : words.ofHundred((share * 100).toFixed(0)));

/** A model's accuracy, by its card: on photos like those it learned from, and on photos from other places. */
export const accuracyOf = ({ metrics, places }) => ({
  own: metrics.test?.accuracy,
  elsewhere: places?.held_out_mean?.accuracy,
});

export function howOftenRight(model) {
  const { own, elsewhere } = accuracyOf(model);
  return own === undefined ? "" : words.right(hundredths(own), elsewhere !== undefined && hundredths(elsewhere));
}

export function showWhatItKnows(models) {
  const labels = [...new Set(models.flatMap(({ classes }) => classes))];
  byId("classes").replaceChildren(...labels.map(asItem));
  const measured = models.filter((model) => accuracyOf(model).own !== undefined);
  byId("accuracies").replaceChildren(...measured.map(asRow));
  byId("how-often").hidden = !measured.length;
  byId("knows").hidden = !labels.length;
}

function asItem(label) {
  const item = document.createElement("li");
  item.textContent = nameOf(label);
  paint(item, label);
  return item;
}

function asRow(model) {
  const { own, elsewhere } = accuracyOf(model);
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = nameOfModel(model.name);
  row.append(head);
  for (const share of [own, elsewhere]) row.insertCell().textContent = hundredths(share);
  return row;
}
