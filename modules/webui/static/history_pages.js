// @ts-check
// The pictures of the history as far as they are known: all numbers, and the parts that were looked at.
import { api } from "./api.js";

const PAGE = 100;
const KEPT = 60;

/** @typedef {{ number: number, id: string, url: string, width: number, height: number, seed: number, prompt: string, infotext: string, rating: number, favourite: boolean, mark: string, saved: boolean }} Picture */

export class Pages {
  constructor() {
    /** @type {number[]} The numbers of all that fit, newest first. */
    this.numbers = [];
    this.query = "";
    /** @type {Map<number, Picture>} by number */
    this.known = new Map();
    /** @type {Set<number>} pages that are on their way */
    this.asked = new Set();
  }

  /** @param {number[]} numbers @param {string} query */
  use(numbers, query) {
    [this.numbers, this.query] = [numbers, query];
    this.asked.clear();
  }

  /** @param {number} index */
  at(index) {
    return this.known.get(this.numbers[index]);
  }

  /** What was changed is to be asked for again. @param {number[]} numbers */
  forget(numbers) {
    numbers.forEach((number) => this.known.delete(number));
  }

  /** Fetch what is not known of the places `first` to `last`; whether anything came. @param {number} first @param {number} last */
  async need(first, last) {
    const query = this.query;
    const pages = [];
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++) {
      const part = this.numbers.slice(page * PAGE, (page + 1) * PAGE);
      if (part.length && !this.asked.has(page) && part.some((number) => !this.known.has(number))) {
        pages.push(page);
      }
    }
    const came = await Promise.all(pages.map((page) => this.fetch(page, query)));
    return came.some(Boolean);
  }

  /** @param {number} page @param {string} query */
  async fetch(page, query) {
    this.asked.add(page);
    const numbers = this.numbers.slice(page * PAGE, (page + 1) * PAGE);
    try {
      const told = await api(`history?${query}&before=${numbers[0] + 1}&limit=${numbers.length}`);
      told.images.forEach((/** @type {Picture} */ picture) => this.known.set(picture.number, picture));
      this.drop();
      return true;
    } catch {
      return false;
    } finally {
      this.asked.delete(page);
    }
  }

  /** Of what was looked at long ago only the number is kept. */
  drop() {
    const extra = this.known.size - PAGE * KEPT;
    for (const number of extra > 0 ? [...this.known.keys()].slice(0, extra) : []) {
      this.known.delete(number);
    }
  }

  /** One picture by its number. @param {number} number @returns {Promise<Picture | null>} */
  async picture(number) {
    const index = this.numbers.indexOf(number);
    if (!this.known.has(number) && index >= 0) {
      await this.need(index, index);
    }
    return this.known.get(number) ?? null;
  }
}
