// @ts-check
// A session is a tab of a browser; a new one begins with what the browser's last one had.

const KEY = "easel-session";
const before = localStorage.getItem(KEY) ?? "";

/** The sessions whose inputs this page may begin with, the better one first. */
export const beginnings = [sessionStorage.getItem(KEY) ?? "", before].filter(Boolean);

/** The name of this session. */
export function session() {
  const own = sessionStorage.getItem(KEY) ?? newName();
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
