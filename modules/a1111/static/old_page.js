// Parts of A1111's page that scripts look for and that this page does without: hidden, and tied to what does their work.
// @ts-check
"use strict";

/** An element from HTML. */
function easelMade(html) {
  const place = document.createElement("template");
  place.innerHTML = html;
  return /** @type {HTMLElement} */ (place.content.firstElementChild);
}

/** Called when the page is whole, and whenever it has changed: what is there already is left as it is. */
function easelHiddenParts() {
  const app = document.querySelector("gradio-app") || document.body;
  for (const press of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[id$=_extra_refresh_internal]"))) {
    const id = press.id.replace(/_internal$/, "");
    if (!document.getElementById(id)) {
      const button = easelMade(`<div id="${id}" class="extra-network-control--refresh" title="Refresh" hidden></div>`);
      button.addEventListener("click", () => document.getElementById(`${id}_internal`)?.click());
      press.after(button);
    }
  }
  const footer = document.getElementById("footer");
  if (footer && !document.getElementById("sd_checkpoint_hash")) {
    footer.append(easelMade('<a id="sd_checkpoint_hash" hidden></a>'));
  }
  if (!document.getElementById("settings_json")) {
    app.append(easelMade('<div id="settings_json" hidden><label><textarea></textarea></label></div>'));
  }
  easelHiddenValues();
  if (!document.getElementById("lightboxModal")) {
    const modal = easelLightbox();
    app.append(modal);
    // The page's own viewer has this id while it is open.
    new MutationObserver(() => {
      modal.id = document.querySelector(".lightbox#lightboxModal") ? "" : "lightboxModal";
    }).observe(document.querySelector(".gradio-container") || document.body, { childList: true });
  }
}

function easelHiddenValues() {
  const hash = opts.sd_checkpoint_hash || "";
  const shown = document.getElementById("sd_checkpoint_hash");
  const settings = document.querySelector("#settings_json textarea");
  if (shown && shown.title !== hash) {
    shown.title = hash;
    shown.textContent = hash.slice(0, 10);
  }
  if (settings instanceof HTMLTextAreaElement && settings.dataset.of !== hash) {
    settings.dataset.of = hash;
    settings.value = JSON.stringify(opts);
  }
}

// The full-page viewer of A1111. The page has one of its own; this one is opened by scripts that call `showModal`.

function easelLightbox() {
  const modal = easelMade(`<div id="lightboxModal" class="old-viewer" tabindex="0">
    <div class="modalControls">
      <span class="modalZoom cursor" title="Toggle zoomed view">\u26f6</span>
      <span class="modalTileImage cursor" title="Preview tiling">\u229e</span>
      <span id="modal_toggle_live_preview" class="modalToggleLivePreview cursor" title="Toggle live preview">\u{1F5C7}</span>
      <span id="modal_save" class="modalSave cursor" title="Save image">\u{1F5AB}</span>
      <span class="modalClose cursor" title="Close">\u00d7</span>
    </div>
    <img id="modalImage" tabindex="0" alt="">
    <a class="modalPrev" tabindex="0">\u276e</a>
    <a class="modalNext" tabindex="0">\u276f</a>
  </div>`);
  const acts = {
    ".modalZoom": "modalZoomToggle", ".modalTileImage": "modalTileImageToggle", ".modalSave": "saveImage",
    ".modalToggleLivePreview": "modalLivePreviewToggle", ".modalClose": "closeModal",
  };
  for (const [selector, name] of Object.entries(acts)) {
    // Looked up when it is pressed: extensions put their own in the place of these.
    modal.querySelector(selector).addEventListener("click", (event) => window[name](event), true);
  }
  modal.querySelector(".modalPrev").addEventListener("click", modalPrevImage, true);
  modal.querySelector(".modalNext").addEventListener("click", modalNextImage, true);
  modal.addEventListener("keydown", modalKeyHandler, true);
  modal.onclick = () => window.closeModal();
  return modal;
}

function showModal(event) {
  const modal = document.getElementById("lightboxModal");
  const image = /** @type {HTMLImageElement} */ (document.getElementById("modalImage"));
  image.src = (event.target || event.srcElement).src;
  modal.style.display = "flex";
  modal.focus();
  if (event.stopPropagation) {
    event.stopPropagation();
  }
}

function closeModal() { document.getElementById("lightboxModal").style.display = "none"; }

function negmod(n, m) { return ((n % m) + m) % m; }

function modalImageSwitch(offset) {
  const buttons = all_gallery_buttons();
  const at = selected_gallery_index();
  if (buttons.length > 1 && at !== -1) {
    const next = buttons[negmod(at + offset, buttons.length)];
    next.click();
    const image = /** @type {HTMLImageElement} */ (document.getElementById("modalImage"));
    image.src = next.querySelector("img").src;
    document.getElementById("lightboxModal").focus();
  }
}

function modalPrevImage(event) { window.modalImageSwitch(-1); event.stopPropagation(); }
function modalNextImage(event) { window.modalImageSwitch(1); event.stopPropagation(); }

function modalKeyHandler(event) {
  const acts = {
    ArrowLeft: () => window.modalPrevImage(event), ArrowRight: () => window.modalNextImage(event),
    Escape: () => window.closeModal(), s: () => window.saveImage(event),
  };
  if (acts[event.key]) {
    acts[event.key]();
  }
}

function modalZoomToggle(event) {
  document.getElementById("modalImage").classList.toggle("modalImageFullscreen");
  event.stopPropagation();
}

function modalTileImageToggle(event) {
  const modal = document.getElementById("lightboxModal");
  const image = /** @type {HTMLImageElement} */ (document.getElementById("modalImage"));
  const tiled = image.style.display !== "none";
  image.style.display = tiled ? "none" : "";
  modal.style.backgroundImage = tiled ? `url(${image.src})` : "";
  event.stopPropagation();
}

function modalLivePreviewToggle(event) {
  opts.js_live_preview_in_modal_lightbox = !opts.js_live_preview_in_modal_lightbox;
  event.stopPropagation();
}

function saveImage(event) {
  document.getElementById(`save_${easelTab()}`)?.click();
  event.stopPropagation();
}

// The page's own viewer has the same id while it is open, and is not to be hidden with this one.
document.head.append(easelMade(`<style>
  .old-viewer { display: none; position: fixed; z-index: 1001; inset: 0; align-items: center; justify-content: center;
    background: rgb(20 20 20 / 95%) center; }
  .old-viewer > img { max-width: 100%; max-height: 100%; object-fit: contain; }
  .old-viewer > img.modalImageFullscreen { width: 100%; height: 100%; }
  .modalControls { position: absolute; top: 0; right: 0; left: 0; display: flex; gap: 1em; padding: 1em; background: none; }
  .modalClose { margin-left: auto; }
  .modalControls span, .modalPrev, .modalNext { color: white; font-size: 26px; cursor: pointer; }
  .modalPrev, .modalNext { position: absolute; top: 50%; padding: 16px; user-select: none; }
  .modalPrev { left: 0; }
  .modalNext { right: 0; }
</style>`));
