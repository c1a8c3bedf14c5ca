// The key that a server may want.

/** Ask for it, in the server's own words; promises the key, or null. */
export function askKey(problem) {
  const dialog = document.getElementById("key");
  const field = document.getElementById("key-field");
  document.getElementById("key-problem").textContent = problem.detail;
  field.value = "";
  dialog.returnValue = "";
  // Not a button of the form: that of the key has to be its first, which Enter presses.
  document.getElementById("no-key").onclick = () => dialog.close("");
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue && field.value), { once: true });
  });
}
