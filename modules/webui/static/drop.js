// A picture dropped on the prompts brings its settings back. Python reads them from a hidden file box.

const AREA = ".prompt-container";
const BOX = '[id$="_prompt_image"]';

export function watchDrops() {
  for (const type of ["dragenter", "dragover"]) {
    document.addEventListener(type, (event) => {
      const area = event.target.closest?.(AREA);
      mark(carriesPicture(event.dataTransfer) ? area : null);
      if (area && carriesPicture(event.dataTransfer)) {
        event.preventDefault();
        event.stopPropagation();
      }
    }, true);
  }
  for (const type of ["dragleave", "dragend"]) {
    document.addEventListener(type, (event) => {
      if (!event.relatedTarget?.closest?.(AREA)) {
        mark(null);
      }
    }, true);
  }
  document.addEventListener("drop", drop, true);
}

function carriesPicture(data) {
  return data.types.includes("Files") || data.types.includes("text/uri-list");
}

async function drop(event) {
  const area = event.target.closest?.(AREA);
  mark(null);
  if (!area || !carriesPicture(event.dataTransfer)) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const file = event.dataTransfer.files[0] ?? (await fileAt(event.dataTransfer.getData("text/uri-list")));
  if (file) {
    hand(area.querySelector(BOX), file);
  }
}

/** A picture of this page that was dragged as an address, as the file it is. */
async function fileAt(address) {
  if (!address || new URL(address, document.baseURI).origin !== window.location.origin) {
    return null;
  }
  const answer = await fetch(address);
  return answer.ok ? new File([await answer.blob()], address.split("/").pop() || "picture.png") : null;
}

/** Show that `area`, and no other, takes what is being dragged. */
function mark(area) {
  for (const each of document.querySelectorAll(AREA)) {
    each.toggleAttribute("data-drop", each === area);
  }
}

function hand(box, file) {
  // A box that still holds the last file takes no new one.
  box.querySelector('button[aria-label="Clear"], button[aria-label="Remove"]')?.click();
  requestAnimationFrame(() => {
    const input = box.querySelector('input[type="file"]');
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
