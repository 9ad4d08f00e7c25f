// Marks galleries without pictures and those with a single one, which need no row of thumbnails.

export function watchGalleries() {
  document.querySelectorAll(".gallery-container").forEach(watchGallery);
}

function watchGallery(container) {
  const mark = () => {
    const pictures = container.querySelectorAll(".grid-container .thumbnail-item").length;
    if (container.dataset.pictures !== String(pictures)) {
      container.dataset.pictures = String(pictures);
    }
  };
  new MutationObserver(mark).observe(container, { childList: true, subtree: true });
  mark();
}
