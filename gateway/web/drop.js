// What a drop holds: files, and the pictures in folders.

const PICTURE = /\.(jpe?g|png|webp|gif|bmp|tiff?|hei[cf]|avif)$/i;

/** Files as they were dropped; of folders, and the folders in them, only what is called a picture. */
export async function droppedFiles({ items }) {
  // All entries are taken at once: the browser empties `items` when this function first waits.
  const dropped = [...items].filter(({ kind }) => kind === "file");
  const all = dropped.map((item) => [item.webkitGetAsEntry(), item.getAsFile()]);
  return (await Promise.all(all.map(([entry, file]) => (entry?.isDirectory ? filesBelow(entry) : [file])))).flat();
}

async function filesBelow(folder) {
  const reader = folder.createReader();
  const files = [];
  for (;;) {
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return files;
    for (const entry of entries) {
      if (entry.isDirectory) files.push(...(await filesBelow(entry)));
      else if (PICTURE.test(entry.name)) files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    }
  }
}
