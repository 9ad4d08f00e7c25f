// @ts-check
// A session is a tab of a browser; a new one begins with what the browser's last one had.

const KEY = "easel-session";
const before = localStorage.getItem(KEY) ?? "";

/** The sessions whose inputs this page may begin with, the better one first. */
export const beginnings = [known(), before].filter(Boolean);

/** The name of this session; "" while it has none, for nothing was kept of it. */
export function known() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** The name of this session, which has one from now on. */
export function session() {
  const own = known() || newName();
  sessionStorage.setItem(KEY, own);
  localStorage.setItem(KEY, own);
  return own;
}

/** The names of this session and of the browser's last one, as the server is told them. */
export function sessions() {
  return `${session()} ${before}`;
}

function newName() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
