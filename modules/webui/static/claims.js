// @ts-check
// Which page of a browser watches a run.

const ANSWER = 1000;
const RELOADING = 2000;

// The pages of one browser share the name of the last run. The one that watches it holds a lock of the browser, by which
// the others know. Browsers lend locks only to pages that are local or encrypted; elsewhere the pages ask each other.
const otherPages = new BroadcastChannel("easel-runs");
/** @type {Set<string>} */
const mine = new Set();
otherPages.addEventListener("message", ({ data }) => {
  if (data.whoWatches && mine.has(data.whoWatches)) {
    otherPages.postMessage({ watched: data.whoWatches });
  }
});

/** @param {string} task */
function lockOf(task) {
  return `easel-run ${task}`;
}

/**
 * Show other pages that this one watches `task`, until the function that is returned is called.
 * @param {string} task
 * @returns {() => void}
 */
export function claim(task) {
  mine.add(task);
  /** @type {(value?: unknown) => void} */
  let release = () => {};
  const watched = new Promise((resolve) => (release = resolve));
  navigator.locks?.request(lockOf(task), () => watched);
  return () => {
    mine.delete(task);
    release();
  };
}

/**
 * Whether another page watches `task`. After a reload the page that was here before may keep its lock for a moment.
 * @param {string} task
 * @param {boolean} reloaded
 */
export async function watchedElsewhere(task, reloaded) {
  if (!navigator.locks) {
    return anyAnswer(task);
  }
  const end = Date.now() + (reloaded ? RELOADING : 0);
  while (!(await navigator.locks.request(lockOf(task), { ifAvailable: true }, (lock) => lock !== null))) {
    if (Date.now() >= end) {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

/** @param {string} task @returns {Promise<boolean>} */
function anyAnswer(task) {
  return new Promise((resolve) => {
    const hear = (/** @type {MessageEvent} */ { data }) => data.watched === task && answer(true);
    const answer = (/** @type {boolean} */ watched) => {
      otherPages.removeEventListener("message", hear);
      resolve(watched);
    };
    otherPages.addEventListener("message", hear);
    otherPages.postMessage({ whoWatches: task });
    setTimeout(() => answer(false), ANSWER);
  });
}
