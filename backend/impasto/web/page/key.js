// The key that a server may want.

/** Ask for it, in the server's own words; promises the key, or null. */
export function askKey(problem) {
  const dialog = document.getElementById("key");
  const field = document.getElementById("key-field");
  document.getElementById("key-problem").textContent = problem.message;
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue && field.value), { once: true });
  });
}
