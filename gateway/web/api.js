// Asks the gateway. Every failure is a Problem with words for people.

const WAITS = 5; // times that a busy or starting server is asked again
const LONGEST_WAIT = 10; // seconds

const IN_PLAIN_WORDS = {
  401: "The API key is missing or wrong.",
  408: "The upload took too long. Is the connection slow?",
  413: "The picture is too large for this service.",
  415: "This is no picture, or not of a kind that is known here. JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC and AVIF are.",
  422: "The picture is damaged or cut off. Send the original file.",
  429: "The service has too much to do at the moment. Try again in a little while.",
  500: "Something went wrong in the service. It is not your fault.",
  503: "The models are starting or out of reach. Try again in a little while.",
  504: "The answer took too long. Try again.",
};

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
    throw new Problem(0, "The server can not be reached. Is it running, and are you connected?");
  }
  if (response.ok) return response;
  const document = await response.json().catch(() => ({}));
  const text = IN_PLAIN_WORDS[response.status] ?? document.detail ?? `The server answered with status ${response.status}.`;
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
