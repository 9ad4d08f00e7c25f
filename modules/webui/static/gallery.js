// @ts-check
// Marks galleries without pictures and those with a single one, which need no row of thumbnails.

export function watchGalleries() {
  /** @type {NodeListOf<HTMLElement>} */
  const containers = document.querySelectorAll(".gallery-container");
  containers.forEach(watchGallery);
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
  };
  new MutationObserver(mark).observe(container, { childList: true, subtree: true });
  mark();
}
