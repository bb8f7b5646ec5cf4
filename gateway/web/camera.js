// The camera that stays on: a live picture, and photos of it by button, space bar or by themselves.

import { EVERY, SAMPLE, Steadiness } from "./steady.js";
import { words } from "./words.js";

const QUALITY = 0.92;
const WANTED = { width: { ideal: 1280 }, height: { ideal: 960 }, facingMode: "environment" };
const byId = (id) => document.getElementById(id);
const [live, video, lens, steady] = ["live", "video", "lens", "steady"].map(byId);
const canvas = document.createElement("canvas");

let stream = null;
let awake = null;
let timer = 0;
let count = 0;
let onPhoto = () => {};

/** Connects the buttons. `photo` gets each photo as a file. */
export function prepareCamera(photo) {
  onPhoto = photo;
  byId("camera-on").addEventListener("click", () => start());
  byId("camera-off").addEventListener("click", () => close(""));
  byId("shutter").addEventListener("click", take);
  lens.addEventListener("change", () => start(lens.value));
  steady.addEventListener("change", watch);
  document.addEventListener("keydown", (event) => {
    // There the space bar has another meaning.
    if (!stream || event.code !== "Space" || event.repeat || event.target.closest("button, a, input, select, summary")) return;
    event.preventDefault();
    take();
  });
  document.addEventListener("visibilitychange", stayAwake);
  const kiosk = new URLSearchParams(location.search).get("camera"); // ?camera or ?camera=steady
  if (kiosk === null) return;
  steady.checked = kiosk === "steady";
  start();
}

async function start(device) {
  release();
  let opened = null;
  byId("camera-on").disabled = true;
  try {
    if (!navigator.mediaDevices) throw new DOMException("", "insecure");
    const which = device ? { ...WANTED, facingMode: undefined, deviceId: { exact: device } } : WANTED;
    stream = opened = await navigator.mediaDevices.getUserMedia({ video: which });
    stream.getVideoTracks()[0].addEventListener("ended", () => close(words.cameraProblems.ended));
    video.srcObject = stream;
    live.hidden = false;
    document.body.classList.add("live");
    byId("camera-problem").textContent = "";
    byId("shutter").focus({ preventScroll: true });
    await video.play();
    await offerLenses();
  } catch ({ name }) {
    if (stream !== opened) return; // switched off or lost meanwhile
    return close(words.cameraProblems[name] ?? words.cameraProblems.NotReadableError);
  } finally {
    byId("camera-on").disabled = false;
  }
  stayAwake();
  watch();
}

function release() {
  clearInterval(timer);
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = video.srcObject = null;
  awake?.release();
  awake = null;
}

function close(problem) {
  release();
  byId("camera-problem").textContent = problem;
  if (live.hidden) return;
  live.hidden = true;
  document.body.classList.remove("live");
  byId("camera-on").focus();
}

/** Lets people choose where there are several cameras; browsers name them once the page may use one. */
async function offerLenses() {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  const used = stream?.getVideoTracks()[0].getSettings().deviceId;
  lens.replaceChildren(...cameras.map(({ label, deviceId }) => new Option(label, deviceId, false, deviceId === used)));
  lens.hidden = cameras.length < 2;
}

/** Keeps the screen on while the camera is; a browser forgets it when the page is out of sight. */
async function stayAwake() {
  if (!stream || document.hidden) return;
  awake = await navigator.wakeLock?.request("screen").catch(() => null);
}

function drawn(width, height) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, width, height);
  return context;
}

function take() {
  if (!stream || !video.videoWidth) return;
  drawn(video.videoWidth, video.videoHeight);
  const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString();
  const name = `camera-${now.slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")}-${(count += 1)}.jpg`;
  canvas.toBlob((blob) => onPhoto(new File([blob], name, { type: blob.type })), "image/jpeg", QUALITY);
  live.classList.remove("flash");
  requestAnimationFrame(() => live.classList.add("flash"));
}

/** Only what changes is read out. */
function hint(text) {
  if (byId("live-hint").textContent !== text) byId("live-hint").textContent = text;
}

/** Looks at the live picture, where wanted, and takes a photo of each new thing that is held still. */
function watch() {
  clearInterval(timer);
  hint(words.live.ready);
  if (!stream || !steady.checked) return;
  const steadiness = new Steadiness();
  timer = setInterval(() => {
    if (!video.videoWidth) return;
    const { data } = drawn(SAMPLE.width, SAMPLE.height).getImageData(0, 0, SAMPLE.width, SAMPLE.height);
    const grey = Float32Array.from({ length: data.length / 4 }, (_, pixel) => {
      const [red, green, blue] = data.subarray(4 * pixel, 4 * pixel + 3);
      return 0.3 * red + 0.59 * green + 0.11 * blue;
    });
    const state = steadiness.look(grey);
    if (state === "take") take();
    hint(words.live[state === "take" ? "taken" : state]);
  }, EVERY);
}
