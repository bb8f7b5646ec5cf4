// The answers as text that leaves the page: a row for each photo and model, with the columns of `bin-it-right classify`.

const quoted = (value) => (/[",\t\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
// A spreadsheet takes a cell that begins so for a formula, and a file may be called anything.
const harmless = (name) => (/^[=+\-@]/.test(name) ? `'${name}` : name);

export function asCsv(results, separator = ",") {
  const classes = results.find(({ answer }) => answer)?.answer.classes.map(([label]) => label) ?? [];
  const rows = results.map(({ file, model, answer, problem }) => {
    const probabilities = new Map(answer?.classes);
    const each = classes.map((label) => (answer ? probabilities.get(label).toPrecision(6) : ""));
    return [harmless(file), model, answer?.best ?? "", answer ? !answer.sure : "", ...each, problem?.message ?? ""];
  });
  const header = ["file", "model", "pred_class", "not_sure", ...classes, "error"];
  return [header, ...rows].map((row) => `${row.map((value) => quoted(String(value))).join(separator)}\n`).join("");
}

export function asJson(results) {
  const records = results.map(({ file, model, answer, problem }) =>
    answer
      ? { file, model, pred_class: answer.best, not_sure: !answer.sure, classes: Object.fromEntries(answer.classes) }
      : { file, model, error: { status: problem.status, detail: problem.message } },
  );
  return `${JSON.stringify(records, null, 1)}\n`;
}

export function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
