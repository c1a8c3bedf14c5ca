// The page: a photo, how it is to be painted, and the paintings of it.

import { askBlob, askJson, onKeyWanted, run } from "./api.js";
import { Areas } from "./areas.js";
import { Gallery } from "./gallery.js";
import { askKey } from "./key.js";
import { Mixture } from "./mixture.js";
import { Options, element } from "./options.js";
import { Paintings, save } from "./paintings.js";
import { receivePictures } from "./photos.js";
import { Progress } from "./progress.js";
import { Stage } from "./stage.js";
import { Subject } from "./subject.js";

const find = (id) => document.getElementById(id);
onKeyWanted(askKey);

/** Beside what a problem is told, by its code. */
const PLACES = {
  file: "photo",
  "not-a-picture": "photo",
  "wrong-type": "photo",
  "too-large": "photo",
  "too-much": "photo",
  "unknown-style": "style",
  "no-subject": "area",
  "bad-request": "option",
};
const PLACE_IDS = ["photo", "style", "area", "option", "paint"].map((place) => `${place}-problem`);
/** What photos can come back as, by what their names end with. */
const FORMATS = { jpg: "jpg", jpeg: "jpg", tif: "tiff", tiff: "tiff", webp: "webp", avif: "avif" };
/** The side of a photo that no browser can show by itself. */
const SHOWN_SIDE = 2048;

const stage = new Stage(find);
const progress = new Progress(find);
const gallery = new Gallery(find("tabs"), find("gallery"), (style, beside) => mixture.pick(style, beside));
const mixture = new Mixture(find("mixture"), find("mix"), () => gallery.mark(mixture.names));
const paintings = new Paintings(find("paintings"), (shown) => view(shown?.photo ?? photo, shown));
let photo = null;
let painting = null; // the one that is being made: an AbortController
let options, areas;

start().catch((error) => tell("paint", error));

async function start() {
  receivePictures({
    input: find("file"),
    buttons: [find("choose"), find("another")],
    gallery: find("gallery"),
    onPhoto: (file) => usePhoto(file).catch((error) => tell("photo", error)),
    onPicture: (file) => mixture.pick(gallery.addPicture(file), false),
  });
  const pictures = find("picture-file");
  gallery.offerPicture(() => pictures.click());
  pictures.addEventListener("change", () => {
    for (const file of pictures.files) mixture.pick(gallery.addPicture(file), false);
    pictures.value = "";
  });
  find("choices").addEventListener("submit", (event) => {
    event.preventDefault();
    paint();
  });
  find("cancel").addEventListener("click", () => painting?.abort());
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !find("key").open) painting?.abort();
  });
  find("usual").addEventListener("click", () => options.reset());
  find("forget").addEventListener("click", () => paintings.remove());
  find("download").addEventListener("click", () => download().catch((error) => tell("photo", error)));

  const [offer, { styles }] = await Promise.all([askJson("/v1/options"), askJson("/v1/styles")]);
  options = new Options(find("first"), find("more"), parametersOf(offer));
  const choices = offer.stylize.find(({ name }) => name === "area").choices;
  areas = new Areas(find, choices, (area) => options.showFor(area), (error) => tell("area", error));
  options.showFor(areas.value);
  areas.of(photo?.subject ?? null);
  gallery.show(styles, async ({ thumbnail }) => (thumbnail ? URL.createObjectURL(await askBlob(thumbnail)) : ""));
  if (styles.length) mixture.pick(styles[0], false);
}

/** The rows of this page: what only the server knows are the choices of engines and mask models. */
function parametersOf({ stylize, engines, mask_models: maskModels }) {
  const named = { engine: engines.filter((one) => one.paints), mask_model: maskModels };
  return stylize
    .filter(({ group, name }) => group !== "result" || name === "color")
    .map((one) => ({ ...one, choices: named[one.name]?.map(({ name, ...rest }) => ({ value: name, ...rest })) ?? one.choices }))
    .filter(({ kind, choices }) => kind !== "name" || choices.length > 1);
}

async function usePhoto(file) {
  clearProblems();
  const next = { file, name: file.name, address: URL.createObjectURL(file) };
  await stage.showPhoto(next).catch(async () => {
    // No browser shows TIFF, and few show HEIC; the server reads more, and shows it.
    find("status").textContent = "The server reads the photo";
    next.address = URL.createObjectURL(await developed(file));
    await stage.showPhoto(next);
  });
  next.subject = new Subject(next.address, (form) => result("/v1/mask", form));
  paintings.show(null);
  await view(next, null);
  find("another").hidden = false;
  find("status").textContent = `The photo ${file.name} is there.`;
}

/** A photo as the server sees it: a painting without strength. */
function developed(file) {
  const fields = { image: file, style: mixture.names[0], strength: 0, max_side: SHOWN_SIDE };
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return result("/v1/stylize", form);
}

async function result(path, form) {
  const { links } = await run(path, form, { signal: new AbortController().signal });
  return askBlob(links.result);
}

async function view(newPhoto, newPainting) {
  if (newPhoto !== photo) {
    photo = newPhoto;
    await stage.showPhoto(photo);
    areas?.of(photo.subject);
    offerFormats();
  }
  stage.showPainting(newPainting);
  find("notes").textContent = newPainting?.notes.join(" ") ?? "";
  areas?.draw();
}

async function paint() {
  clearProblems();
  if (!photo) return tell("photo", new Error("There is no photo yet. Drop one here, paste one, or choose one."));
  const making = { photo, title: [mixture.title, ...options.words, ...areas.words].join(", ") };
  const form = new FormData();
  form.append("image", photo.file);
  form.append("area", areas.value);
  mixture.addTo(form);
  for (const [name, value] of Object.entries(options.chosen)) form.append(name, value);
  painting = new AbortController();
  const { signal } = painting;
  progress.begin("Sending the photo");
  try {
    const onSent = (part) => progress.sent(part);
    const job = await run("/v1/stylize", form, { signal, onSent, onChange: (changed) => progress.at(changed) });
    paintings.add({ ...making, result: job.links.result, notes: job.notes, blob: await askBlob(job.links.result, { signal }) });
    progress.end(`Painted: ${making.title}.`);
  } catch (error) {
    progress.end(signal.aborted ? "Cancelled." : "");
    if (!signal.aborted) tell(PLACES[error.code] ?? "paint", error);
  } finally {
    painting = null;
  }
}

function offerFormats() {
  const own = FORMATS[suffix(photo.name)];
  const offers = [...(own ? [[own, `As the photo: ${own.toUpperCase()}`]] : []), ["png", "PNG"]];
  find("format").replaceChildren(...offers.map(([value, textContent]) => element("option", { value, textContent })));
}

async function download() {
  clearProblems();
  const shown = paintings.current;
  const format = find("format").value;
  const blob = format === "png" ? shown.blob : await askBlob(`${shown.result}?format=${format}`);
  save(blob, `${shown.photo.name.replace(/\.[^.]*$/, "")}-${asFileName(shown.title)}.${format}`);
  shown.isSaved = true;
}

/** The words of a title, as they can stand in the name of a file anywhere. */
const asFileName = (title) => title.toLowerCase().match(/[\p{L}\p{N}]+/gu).join("-").slice(0, 80);
const suffix = (name) => name.split(".").pop().toLowerCase();

function tell(place, error) {
  find(`${place}-problem`).textContent = error.message;
}

function clearProblems() {
  for (const place of PLACE_IDS) find(place).textContent = "";
}
