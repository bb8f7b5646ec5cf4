// Tells from small grey pictures of the camera when something new is held still before it.

export const SAMPLE = { width: 48, height: 36 }; // pixels
export const EVERY = 200; // milliseconds between two samples
const STILL = 5; // alike samples in a row
const FORGET = 300; // samples after which a thing that was taken and left lying is part of the ground
const CHANGED = 20; // grey levels by which a pixel has changed, noise aside
const MOVES = 0.015; // share of changed pixels from which the picture is not steady
const DIFFERS = 0.03; // share of changed pixels from which there is something else to see

/** The share of pixels that changed. A picture that got lighter as a whole has not: the camera sets its exposure. */
function changed(one, other) {
  const mean = (pixels) => pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  const shift = mean(other) - mean(one);
  let count = 0;
  for (let index = 0; index < one.length; index += 1) {
    if (Math.abs(other[index] - one[index] - shift) > CHANGED) count += 1;
  }
  return count / one.length;
}

export class Steadiness {
  #before = null; // the last sample
  #ground = null; // what is seen with nothing before the camera
  #taken = null; // what was seen when the last photo was taken
  #still = 0;
  #lying = 0;

  /** Takes the next sample, grey pixels: "moving", "empty" (the ground), "take" (now), or "taken" (still the same). */
  look(pixels) {
    const moves = !this.#before || changed(this.#before, pixels) > MOVES;
    this.#before = pixels;
    this.#still = moves ? 0 : this.#still + 1;
    if (this.#still < STILL) return "moving";
    if (!this.#ground || changed(this.#ground, pixels) < DIFFERS || this.#lying > FORGET) {
      this.#ground = pixels; // light changes over a day
      this.#taken = null;
      this.#lying = 0;
      return "empty";
    }
    const same = this.#taken && changed(this.#taken, pixels) < DIFFERS;
    this.#lying = same ? this.#lying + 1 : 0;
    this.#taken = pixels;
    return same ? "taken" : "take";
  }
}
