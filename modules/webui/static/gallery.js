// Marks a gallery without pictures and one with a single picture, which needs no row of thumbnails.

export function watchGallery() {
  const container = document.getElementById("txt2img_gallery_container");
  const mark = () => {
    const pictures = container.querySelectorAll(".grid-container .thumbnail-item").length;
    if (container.dataset.pictures !== String(pictures)) {
      container.dataset.pictures = String(pictures);
    }
  };
  new MutationObserver(mark).observe(container, { childList: true, subtree: true });
  mark();
}
