// @ts-check
// The cards of a page: read from the server, the first of them ahead of all, then searched and sorted here.

/**
 * @typedef {object} Card
 * @property {string} name
 * @property {string} path below its folder, with slashes
 * @property {number} folder
 * @property {string | null} prompt
 * @property {string} negative
 * @property {string | null} preview
 * @property {string} description
 * @property {string} words
 * @property {string | null} family
 * @property {string} hash
 * @property {string | null} problem
 * @property {number} created
 * @property {number} modified
 * @property {string | null} script
 * @property {string} text in which it is searched
 * @property {string} below the folders it lies in, in small letters: "/style/old"
 * @property {boolean} hidden
 */

/** @typedef {"path" | "name" | "date_created" | "date_modified"} Order */

/** @typedef {{ search: string, folder: string, order: Order, descending: boolean, hidden: string, shows: (card: Card) => boolean }} Wanted */

const LETTERS_FOR_HIDDEN = 4;

export class CardList {
  /** @param {{ fields: string[], folders: string[], places: string[], total: number, cards: unknown[][] }} told */
  constructor(told) {
    this.folders = told.folders;
    this.places = told.places;
    this.total = told.total;
    /** @type {Card[]} */
    this.cards = told.cards.map((values) => cardOf(told.fields, values));
    /** @type {Map<string, Card[]>} */
    this.sorted = new Map();
  }

  /** Whether all cards are there, not only the first. */
  get isWhole() {
    return this.cards.length === this.total;
  }

  /** The cards that are wanted, in order. @param {Wanted} wanted @returns {Card[]} */
  matching(wanted) {
    const words = wanted.search.toLowerCase().split(/\s+/).filter(Boolean);
    const folder = wanted.folder.toLowerCase();
    const hidden = wanted.hidden === "Always" || (wanted.hidden === "When searched" && wanted.search.trim().length >= LETTERS_FOR_HIDDEN);
    const found = this.inOrder(wanted.order).filter((card) => (
      (hidden || !card.hidden)
      && (folder ? card.below === folder || card.below.startsWith(`${folder}/`) : words.every((word) => card.text.includes(word)))
      && wanted.shows(card)
    ));
    return wanted.descending ? found.reverse() : found;
  }

  /** @param {Order} order @returns {Card[]} */
  inOrder(order) {
    let sorted = this.sorted.get(order);
    if (!sorted) {
      const key = KEYS[order];
      const keyed = this.cards.map((card) => /** @type {const} */ ([key(card), card]));
      sorted = keyed.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)).map(([, card]) => card);
      this.sorted.set(order, sorted);
    }
    return sorted;
  }

  /** All folders below those searched, as "/style/old", in order. @param {boolean} hidden with those whose name begins with a dot */
  directories(hidden) {
    /** @type {Set<string>} */
    const found = new Set();
    for (const place of this.places) {
      if (hidden || !isHidden(`/${place}`)) {
        for (let path = `/${place}`; path; path = path.slice(0, path.lastIndexOf("/"))) {
          if (found.has(path)) {
            break;
          }
          found.add(path);
        }
      }
    }
    return [...found].sort((one, other) => (natural(one) < natural(other) ? -1 : 1));
  }
}

/** @type {Record<Order, (card: Card) => string | number>} */
const KEYS = {
  path: (card) => natural(card.path || card.name),
  name: (card) => natural(card.name),
  date_created: (card) => card.created,
  date_modified: (card) => card.modified,
};

/** A text by which v2 comes before v10. @param {string} text */
function natural(text) {
  return text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));
}

/** @param {string} path */
function folderOf(path) {
  const end = path.lastIndexOf("/");
  return end < 0 ? "" : `/${path.slice(0, end)}`;
}

/** Whether a folder, as "/style/old", or one above it begins with a dot. @param {string} folder */
function isHidden(folder) {
  return folder.includes("/.");
}

/** @param {string[]} fields @param {unknown[]} values @returns {Card} */
function cardOf(fields, values) {
  /** @type {any} */
  const card = {};
  for (let place = 0; place < fields.length; place++) {
    card[fields[place]] = values[place];
  }
  const place = folderOf(card.path);
  card.below = place.toLowerCase();
  card.text = `/${card.path} ${card.name} ${card.hash} ${card.words} ${card.description}`.toLowerCase();
  card.hidden = isHidden(place);
  return card;
}
