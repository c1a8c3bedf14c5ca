// How pictures come onto the page: chosen, dropped, pasted.

/** `onPhoto(file)` gets photos, `onPicture(file)` pictures to paint like, which are dropped onto `gallery`, if given. */
export function receivePictures({ input, buttons, gallery, onPhoto, onPicture }) {
  for (const button of buttons) button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files[0]) onPhoto(input.files[0]);
    input.value = ""; // the same file again is a change, too
  });
  const isStyle = (event) => gallery?.contains(event.target);
  const mark = (event) => {
    document.body.classList.toggle("dropping", Boolean(event) && !isStyle(event));
    document.body.classList.toggle("dropping-style", Boolean(event) && isStyle(event));
  };
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    mark(event);
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? mark(null));
  addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    mark(null);
    if (isStyle(event)) [...event.dataTransfer.files].forEach(onPicture);
    else onPhoto(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files][0];
    if (!file) return;
    event.preventDefault();
    onPhoto(file);
  });
}
