// @ts-check
// The galleries: marks for those without pictures and with a single one, seeds on hover, and the full-page viewer.
import { around, press, runs, textBox } from "./dom.js";
import { markActions, pictureAt } from "./marks.js";
import { openViewer } from "./viewer.js";

const SETTLED = 120;
const LARGE = ".results-gallery .preview .media-button";

export function watchGalleries() {
  /** @type {NodeListOf<HTMLElement>} */
  const containers = document.querySelectorAll(".gallery-container");
  containers.forEach(watchGallery);
  document.addEventListener("click", (event) => {
    const large = around(event, LARGE);
    const tab = runs().find((each) => large?.closest(`#${each}_gallery`));
    if (large && tab && window.easelOptions.viewer.on && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      view(tab);
    }
  }, true);
}

/** @param {HTMLElement} container */
function watchGallery(container) {
  const mark = () => {
    const pictures = container.querySelectorAll(".grid-container .thumbnail-item").length;
    // A plain element must not have a name of its own; as a picture it may.
    container.querySelector(".empty[aria-label]:not([role])")?.setAttribute("role", "img");
    if (container.dataset.pictures !== String(pictures)) {
      container.dataset.pictures = String(pictures);
    }
    nameSeeds(container);
  };
  new MutationObserver(mark).observe(container, { childList: true, subtree: true });
  mark();
}

/** What the gallery knows of its pictures. @param {string} tab @returns {{ infotexts?: string[] }} */
function told(tab) {
  const box = textBox(`generation_info_${tab}`);
  try {
    return JSON.parse(box?.value || "{}");
  } catch {
    return {};
  }
}

/** The seed of each picture, on hover. @param {HTMLElement} container */
function nameSeeds(container) {
  const tab = container.id.replace("_gallery_container", "");
  const texts = told(tab).infotexts ?? [];
  for (const list of container.querySelectorAll(".thumbnails, .grid-container")) {
    list.querySelectorAll(".thumbnail-item").forEach((item, index) => {
      const seed = /\bSeed: (\d+)/.exec(texts[index] ?? "")?.[1];
      if (item instanceof HTMLElement && item.title !== (seed ? `Seed ${seed}` : "")) {
        item.title = seed ? `Seed ${seed}` : "";
      }
    });
  }
}

/** @param {string} tab @returns {HTMLElement[]} */
function thumbnails(tab) {
  return [...document.querySelectorAll(`#${tab}_gallery .thumbnails .thumbnail-item`)].filter((each) => each instanceof HTMLElement);
}

/** Open the viewer at the picture that is shown large. @param {string} tab */
function view(tab) {
  const large = document.querySelector(`#${tab}_gallery .preview .media-button img`);
  const addresses = () => {
    const found = thumbnails(tab).map((each) => each.querySelector("img")?.src ?? "");
    return found.length ? found : large instanceof HTMLImageElement ? [large.src] : [];
  };
  const chosen = thumbnails(tab).findIndex((each) => each.classList.contains("selected"));
  let settled = 0;
  const by = (/** @type {string} */ id) => () => press(id);
  const [send, extras] = [`${tab}_send_to_img2img`, `${tab}_send_to_extras`];
  openViewer({
    count: () => addresses().length,
    at: (index) => {
      const all = addresses();
      const text = told(tab).infotexts?.[index] ?? "";
      return { src: all[index], text, name: text.split("\n")[0], before: all.length > 1 ? all[(index - 1 + all.length) % all.length] : null };
    },
    // The gallery goes along, so that what is saved or sent is what is seen.
    onShow: (index) => {
      clearTimeout(settled);
      settled = setTimeout(() => thumbnails(tab)[index]?.click(), SETTLED);
    },
    actions: [
      { label: "Save", key: "s", act: by(`save_${tab}`) },
      { label: "Favourite", key: "f", act: by(`${tab}_favourite`) },
      ...markActions((index) => pictureAt(addresses()[index])),
      { label: "To img2img", act: by(send), leaves: true },
      { label: "To inpaint", act: by(`${tab}_send_to_inpaint`), leaves: true },
      ...(document.getElementById(extras) ? [{ label: "To extras", act: by(extras), leaves: true }] : []),
    ],
  }, Math.max(chosen, 0));
}
