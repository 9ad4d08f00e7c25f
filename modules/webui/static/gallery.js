// Marks a gallery without pictures and one with a single picture, which needs no row of thumbnails.

export function watchGallery() {
  const gallery = document.getElementById("txt2img_gallery");
  const mark = () => {
    const thumbnails = gallery.querySelectorAll(".thumbnail-item").length;
    const container = document.getElementById("txt2img_gallery_container");
    const pictures = thumbnails || gallery.querySelectorAll(".preview img").length;
    if (container.dataset.pictures !== String(pictures)) {
      container.dataset.pictures = String(pictures);
    }
  };
  new MutationObserver(mark).observe(gallery, { childList: true, subtree: true });
  mark();
}
