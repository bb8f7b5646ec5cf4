// Asks the gateway. Every failure is a Problem with words for people.

import { words } from "./words.js";

const WAITS = 5; // times that a busy or starting server is asked again
const LONGEST_WAIT = 10; // seconds

export class Problem extends Error {
  constructor(status, text, requestId) {
    super(text);
    this.status = status;
    this.requestId = requestId;
  }
}

let key = sessionStorage.getItem("key") ?? "";

export const hasKey = () => key !== "";

export function useKey(value) {
  key = value;
  sessionStorage.setItem("key", value);
}

async function request(path, options = {}) {
  const headers = key ? { "X-API-Key": key } : {};
  let response;
  try {
    response = await fetch(path, { headers, ...options });
  } catch {
    throw new Problem(0, words.offline);
  }
  if (response.ok) return response;
  const document = await response.json().catch(() => ({}));
  const text = words.statuses[response.status] ?? document.detail ?? words.statusOf(response.status);
  const problem = new Problem(response.status, text, document.request_id);
  problem.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  throw problem;
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Waits for a busy server instead of giving up at once; `waiting` is told the seconds. */
async function patiently(ask, waiting) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask();
    } catch (problem) {
      if (![429, 503].includes(problem.status) || tries === WAITS) throw problem;
      const seconds = Math.min(LONGEST_WAIT, Math.max(problem.retryAfter, 2 ** tries / 2));
      waiting(seconds);
      await pause(seconds);
    }
  }
}

export const models = async () => (await request("models")).json();

function form(photo) {
  const body = new FormData();
  body.append("file", photo, "photo");
  return { method: "POST", body };
}

/** The answer of one model: classes, best class, whether it is sure, milliseconds here and in the server. */
export async function predict(model, photo, waiting) {
  return patiently(async () => {
    const began = performance.now();
    const response = await request(`${model}/predict`, form(photo));
    const answer = await response.json();
    const total = /total;dur=([\d.]+)/.exec(response.headers.get("Server-Timing") ?? "");
    return {
      best: answer.pred_class,
      classes: Object.entries(answer.classes),
      probability: answer.classes[answer.pred_class],
      sure: response.headers.get("X-Confidence") !== "low",
      milliseconds: performance.now() - began,
      serverMilliseconds: total ? Number(total[1]) : null,
    };
  }, waiting);
}

/** Where the model found signs of its answer. `layer`: "heat" is to be laid over the photo, "photo" holds it already. */
export async function explain(model, photo, layer) {
  const response = await request(`${model}/explain?layer=${layer}`, form(photo));
  return { image: await response.blob(), explained: decodeURIComponent(response.headers.get("X-Explained-Class") ?? "") };
}

export const sendFeedback = (label, photo) => request(`feedback?label=${encodeURIComponent(label)}`, form(photo));
