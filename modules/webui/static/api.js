// @ts-check
// Easel's own API, as the scripts of the page use it.
import { route } from "./dom.js";

/**
 * Ask the server; the answer's JSON. Throws an Error with a sentence for people.
 * @param {string} path below /api/v1/, or with a slash in front
 * @param {{ method?: string, body?: unknown, signal?: AbortSignal }} [options]
 * @returns {Promise<any>}
 */
export async function api(path, { method, body, signal } = {}) {
  const headers = body === undefined ? undefined : { "Content-Type": "application/json" };
  const asked = { method: method ?? (body === undefined ? "GET" : "POST"), headers, body: body === undefined ? undefined : JSON.stringify(body), signal };
  const answer = await fetch(route(path.startsWith("/") ? path.slice(1) : `api/v1/${path}`), asked).catch((error) => {
    throw error.name === "AbortError" ? error : new Error("The server does not answer. Nothing was changed.");
  });
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) {
    throw new Error(sentence(told) || `The server answered ${answer.status}.`);
  }
  return told;
}

/** What an answer that is an error says. @param {any} told */
function sentence(told) {
  const detail = told?.detail ?? told?.error ?? told?.errors;
  return Array.isArray(detail) ? detail.map((each) => each.msg).join(" ") : typeof detail === "string" ? detail : "";
}

/** @param {Record<string, unknown>} values Those that are "", null or false are left out. */
export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}
