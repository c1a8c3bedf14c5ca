// Calls to the server. What goes wrong is a Problem in the server's own words.

export class Problem extends Error {
  constructor({ status = 0, title = "", detail = "", hint = "", code = "", field = "" }) {
    super([detail || title, hint].filter(Boolean).join(" "));
    Object.assign(this, { status, detail, code, field });
  }
}

const ENDS = new Set(["done", "failed", "cancelled"]);
const KEY = "impasto-key";

let askForKey = async () => null;
let asking = null;

/** `ask(problem)` shows a person why a key is wanted, and gives it, or null. */
export function onKeyWanted(ask) {
  askForKey = ask;
}

/** The answer to a question, once it is a good one. */
export async function ask(path, { method = "GET", signal, keepalive } = {}) {
  return withKey(async (headers) => {
    try {
      return await fetch(path, { method, signal, headers, keepalive });
    } catch (error) {
      throw signal?.aborted ? error : unreachable();
    }
  });
}

export const askJson = async (path, options) => (await ask(path, options)).json();
export const askBlob = async (path, options) => (await ask(path, options)).blob();

/**
 * Send a job and wait for its end; gives the job, done.
 *
 * `onSent` is told how much of the pictures has gone, from 0 to 1, and `onChange` the job whenever it changes. Whoever
 * aborts the signal cancels the job.
 */
export async function run(path, form, { signal, onSent = () => {}, onChange = () => {} }) {
  const answer = await withKey((headers) => post(path, form, headers, signal, onSent));
  let job = await answer.json();
  // A page that is closed gives its job up, too: nobody will fetch the painting.
  const cancel = () => ask(job.links.self, { method: "DELETE", keepalive: true }).catch(() => {});
  signal.addEventListener("abort", cancel);
  addEventListener("pagehide", cancel);
  try {
    if (signal.aborted) {
      cancel();
      throw signal.reason;
    }
    onChange(job);
    while (!ENDS.has(job.state)) {
      for await (const change of events(job.links.events, signal)) onChange((job = { ...job, ...change }));
      // The line broke, as those of proxies do after a while: see how the job is, and listen again.
      if (!ENDS.has(job.state)) job = await askJson(job.links.self, { signal });
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    removeEventListener("pagehide", cancel);
  }
  if (job.state !== "done") throw new Problem(job.error ?? { detail: "The server has cancelled it." });
  return job;
}

async function withKey(send) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const answer = await send(key ? { Authorization: `Bearer ${key}` } : {});
    if (answer.ok) return answer;
    const problem = await problemOf(answer);
    if (answer.status !== 401) throw problem;
    await newKey(problem, key);
  }
}

/** Of many questions that are refused at once only the first asks the person. */
async function newKey(problem, refused) {
  if (sessionStorage.getItem(KEY) !== refused) return;
  asking ??= askForKey(problem).finally(() => (asking = null));
  const key = await asking;
  if (!key) throw problem;
  sessionStorage.setItem(KEY, key);
}

async function problemOf(answer) {
  const said = await answer.json().catch(() => ({ detail: `The server answered ${answer.status}.` }));
  return new Problem({ ...said, status: answer.status });
}

const unreachable = () =>
  new Problem({ detail: "The server does not answer.", hint: "Is it still running, and the file still where it was?" });

/** XMLHttpRequest, because fetch cannot tell how much of a large photo has gone. */
function post(path, form, headers, signal, onSent) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    let sent = false;
    request.open("POST", path);
    request.responseType = "blob";
    Object.entries(headers).forEach((header) => request.setRequestHeader(...header));
    request.upload.onprogress = (event) => onSent(event.loaded / event.total);
    request.upload.onload = () => (sent = true);
    request.onload = () => resolve(new Response(request.response, { status: request.status }));
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(signal.reason);
    // What has gone is a job already, and is cancelled by the name that it is about to get.
    signal.addEventListener("abort", () => sent || request.abort());
    request.send(form);
  });
}

/** What the server tells of a job, as it happens. By fetch, because an EventSource cannot show a key. */
async function* events(path, signal) {
  const answer = await ask(path, { signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read().catch((error) => {
      if (signal.aborted) throw error;
      return { done: true };
    });
    if (done) return;
    const told = (text + value.replaceAll("\r", "")).split("\n\n");
    text = told.pop();
    for (const event of told) {
      const data = event.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length) yield JSON.parse(data.map((line) => line.slice(5)).join("\n"));
    }
  }
}
