// The page's sentences in the visitor's language, and how it writes numbers. A language is one file, words.NAME.js.

const LANGUAGES = ["en", "de", "uk"]; // English where the browser wants none of them

const asked = new URLSearchParams(location.search).get("lang");
const wanted = [asked, ...navigator.languages].filter(Boolean).map((each) => each.toLowerCase().split("-")[0]);
export const language = wanted.find((each) => LANGUAGES.includes(each)) ?? "en";
// Only this one is fetched.
export const { default: words } = await import(`./words.${language}.js`);

const unit = (name, digits) => new Intl.NumberFormat(language, { style: "unit", unit: name, maximumFractionDigits: digits });
const [megabyte, second, millisecond] = [unit("megabyte", 1), unit("second", 1), unit("millisecond", 0)];
export const megabytes = (file) => megabyte.format(file.size / 1e6);
export const time = (milliseconds) => (milliseconds < 1000 ? millisecond.format(milliseconds) : second.format(milliseconds / 1000));

/** A share as 96%, the very small and the nearly certain with a digit more. */
export function percent(share) {
  const digits = share >= 0.1 && share < 0.995 ? 0 : 1;
  return share.toLocaleString(language, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Puts words where the document names them: as text (data-text) or as a label for screen readers (data-label). */
export function fillIn(part) {
  for (const element of part.querySelectorAll("[data-text]")) element.textContent = words[element.dataset.text];
  for (const element of part.querySelectorAll("[data-label]")) element.setAttribute("aria-label", words[element.dataset.label]);
  for (const template of part.querySelectorAll("template")) fillIn(template.content);
}

/** Links to this page in the other languages. */
export function linksToOtherLanguages() {
  const others = LANGUAGES.filter((each) => each !== language);
  return others.map((each) => {
    const parameters = new URLSearchParams(location.search);
    parameters.set("lang", each);
    const link = document.createElement("a");
    const textContent = new Intl.DisplayNames(each, { type: "language" }).of(each);
    return Object.assign(link, { href: `?${parameters}`, lang: each, hreflang: each, textContent });
  });
}
