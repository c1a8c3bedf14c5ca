// The page that paints by itself: a photo, how it is to be painted, and the paintings of it.

import { Gallery, KINDS, kindOf } from "./gallery.js";
import { Mixture } from "./mixture.js";
import { keepForLater } from "./offline.js";
import { Options } from "./options.js";
import { Painter } from "./painter.js";
import { Paintings, save } from "./paintings.js";
import { receivePictures } from "./photos.js";
import { Progress } from "./progress.js";
import { Stage } from "./stage.js";

const find = (id) => document.getElementById(id);
find("not-served").remove();

const PROBLEM_IDS = ["photo-problem", "paint-problem"];
const MIME = { png: "image/png", jpg: "image/jpeg" };

const stage = new Stage(find);
const progress = new Progress(find);
const paintings = new Paintings(find("paintings"), (shown) => view(shown?.photo ?? photo, shown));
let photo = null;
let wasGivenPhoto = false; // also while it is being read, and if it was none
let painting = null; // the one that is being made: an AbortController
let gallery, mixture, options, painter;

start().catch((error) => tell("paint", error));

async function start() {
  receivePictures({
    input: find("file"),
    buttons: [find("choose"), find("another")],
    onPhoto: (file) => usePhoto(file).catch((error) => tell("photo", error)),
  });
  find("choices").addEventListener("submit", (event) => {
    event.preventDefault();
    paint();
  });
  find("cancel").addEventListener("click", () => painting?.abort());
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") painting?.abort();
  });
  find("usual").addEventListener("click", () => options.reset());
  find("forget").addEventListener("click", () => paintings.remove());
  find("download").addEventListener("click", () => download().catch((error) => tell("photo", error)));

  const folder = await askJson("page.json");
  options = new Options(find("first"), find("more"), folder.options);
  const onPick = (style, beside) => mixture.pick(style, beside);
  const kinds = new Set(folder.styles.map(kindOf));
  gallery = new Gallery(find("tabs"), find("gallery"), onPick, KINDS.filter((kind) => kinds.has(kind)));
  mixture = new Mixture(find("mixture"), find("mix"), () => gallery.mark(mixture.names));
  gallery.show(folder.styles, async ({ thumbnail }) => thumbnail);
  mixture.pick(folder.styles[0], false);
  painter = new Painter();
  // A reload, after which there are threads, would cost whoever is quick the photo.
  const isBusy = () => wasGivenPhoto;
  keepForLater(isBusy, (said) => (find("offline").textContent = said)).catch(console.info);
}

async function askJson(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`The file ${path} of this page is missing. Whoever put it here has to copy all of its folder.`);
  return answer.json();
}

async function usePhoto(file) {
  clearProblems();
  wasGivenPhoto = true;
  const next = { file, name: file.name, address: URL.createObjectURL(file) };
  await stage.showPhoto(next).catch(() => {
    throw new Error(`${file.name} is no picture that this browser can read, or it is damaged.`);
  });
  paintings.show(null);
  await view(next, null);
  find("another").hidden = false;
  find("status").textContent = `The photo ${file.name} is there.`;
}

async function view(newPhoto, newPainting) {
  if (newPhoto !== photo) {
    photo = newPhoto;
    await stage.showPhoto(photo);
  }
  stage.showPainting(newPainting);
  find("notes").textContent = newPainting?.notes ?? "";
}

async function paint() {
  clearProblems();
  if (!photo) return tell("photo", new Error("There is no photo yet. Drop one here, paste one, or choose one."));
  const { network, compute, strength = 1 } = options.chosen;
  const making = { photo, title: [mixture.title, ...options.words].join(", ") };
  painting = new AbortController();
  const { signal } = painting;
  progress.begin("Beginning");
  try {
    const wish = { file: photo.file, styles: mixture.styles, strength, network, compute };
    const { blob, notes } = await painter.paint(wish, signal, (...said) => progress.show(...said));
    paintings.add({ ...making, blob, notes: notes.join(" ") });
    progress.end(`Painted: ${making.title}. ${notes.join(" ")}`);
  } catch (error) {
    progress.end(signal.aborted ? "Cancelled." : "");
    if (!signal.aborted) tell(error.place ?? "paint", error);
  } finally {
    painting = null;
  }
}

async function download() {
  clearProblems();
  const shown = paintings.current;
  const format = find("format").value;
  const blob = format === "png" ? shown.blob : await converted(shown.blob, MIME[format]);
  save(blob, `${shown.photo.name.replace(/\.[^.]*$/, "")}-${asFileName(shown.title)}.${format}`);
  shown.isSaved = true;
}

async function converted(blob, type) {
  const picture = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.convertToBlob({ type, quality: 0.95 });
}

/** The words of a title, as they can stand in the name of a file anywhere. */
const asFileName = (title) => title.toLowerCase().match(/[\p{L}\p{N}]+/gu).join("-").slice(0, 80);

function tell(place, error) {
  find(`${place}-problem`).textContent = error.message;
}

function clearProblems() {
  for (const id of PROBLEM_IDS) find(id).textContent = "";
}
