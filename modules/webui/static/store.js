// @ts-check
// What this browser alone keeps for a page over reloads, of any size: pictures too.

const NAME = "easel";
const PAGE = "easel-page";
const LONGEST = 7 * 24 * 3600 * 1000;

/** The name of this page, the same after a reload. */
function page() {
  const name = sessionStorage.getItem(PAGE) ?? crypto.getRandomValues(new Uint32Array(4)).join("");
  sessionStorage.setItem(PAGE, name);
  return name;
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

/** @param {IDBTransactionMode} mode */
async function store(mode) {
  if (!opened) {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("kept");
    opened = answer(request);
  }
  return (await opened).transaction("kept", mode).objectStore("kept");
}

/** @param {string} name @param {object} value */
export async function keep(name, value) {
  await answer((await store("readwrite")).put({ ...value, at: Date.now() }, `${page()} ${name}`));
}

/** What was kept; undefined where nothing was. @param {string} name @returns {Promise<any>} */
export async function kept(name) {
  return answer((await store("readonly")).get(`${page()} ${name}`));
}

/** @param {string} name */
export async function forget(name) {
  await answer((await store("readwrite")).delete(`${page()} ${name}`));
}

/** Forget what pages left that were never opened again. */
export async function forgetOld() {
  const place = await store("readwrite");
  const request = place.openCursor();
  request.onsuccess = () => {
    const cursor = request.result;
    if (cursor) {
      cursor.value.at < Date.now() - LONGEST && cursor.delete();
      cursor.continue();
    }
  };
}
