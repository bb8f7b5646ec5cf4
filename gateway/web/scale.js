// Makes large photos smaller before they travel: the networks look at a few hundred pixels, and uploads take time.

const EDGE = 1280; // pixels of the longer side
const WORTH_IT = 1_000_000; // bytes; below, scaling takes longer than it saves
const QUALITY = 0.9;
const HERE = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Whether sending the photo as it is would fail, or take longer than scaling it. */
export const shouldScale = (photo, maxBytes) =>
  photo.size > maxBytes * 0.95 || (photo.size > WORTH_IT && !HERE.has(location.hostname));

/** The photo as a smaller JPEG; the photo itself where the browser cannot decode it or it would not get smaller. */
export async function scaled(photo) {
  let picture;
  try {
    picture = await createImageBitmap(photo, { imageOrientation: "from-image" });
  } catch {
    return photo;
  }
  const factor = Math.min(1, EDGE / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * factor));
  const height = Math.max(1, Math.round(picture.height * factor));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  picture.close();
  const smaller = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return smaller && smaller.size < photo.size ? smaller : photo;
}
