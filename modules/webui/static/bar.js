// @ts-check
// The progress bar and the preview of a run, both over the gallery of its tab.
import { element, route, textBox } from "./dom.js";

/**
 * @typedef {object} RunView
 * @property {(share: number, text: string, eta: number) => void} show
 * @property {(url: string) => void} preview
 * @property {() => void} close
 */

/** @param {string} tab @returns {RunView} */
export function runView(tab) {
  const progress = element("div", "progressDiv");
  for (const [name, value] of [["role", "progressbar"], ["aria-label", "Progress"], ["aria-valuemin", "0"], ["aria-valuemax", "100"]]) {
    progress.setAttribute(name, value);
  }
  progress.hidden = !window.easelOptions.progressBar;
  const [bar, track] = [element("div", "progress"), element("div", "run-track")];
  const [text, left, line] = [element("span", "run-text"), element("span", "run-left"), element("div", "run-line")];
  track.append(bar);
  line.append(text, left);
  progress.append(track, line);
  const preview = element("div", "livePreview");
  preview.hidden = true;
  const picture = document.createElement("img");
  picture.alt = "Preview of the unfinished picture";
  preview.append(picture);
  const [width, height] = pictureSize(tab);
  picture.style.maxWidth = width;
  picture.style.maxHeight = height;
  (document.getElementById(`${tab}_gallery_container`) ?? document.getElementById(`${tab}_results_panel`))?.append(preview, progress);
  return {
    show(share, words, eta) {
      const percent = Math.round(share * 100);
      const remaining = eta > 0 ? duration(eta) : "";
      const begins = share > 0 && progress.hasAttribute("data-unknown");
      bar.style.width = `${(share * 100).toFixed(1)}%`;
      progress.toggleAttribute("data-unknown", share === 0);
      if (begins) {
        // From the bar that only says "working" to the first share it is no way to go: it begins there, before more comes.
        bar.style.transition = "none";
        void bar.offsetWidth;
        bar.style.transition = "";
      }
      progress.setAttribute("aria-valuenow", String(percent));
      text.textContent = [...(share > 0 ? [`${percent}%`] : []), words || "starting"].join(" · ");
      left.textContent = remaining && `${remaining} left`;
      if (window.easelOptions.progressInTitle) {
        document.title = share > 0 ? `[${percent}%${remaining && ` ETA ${remaining}`}] Easel` : "[…] Easel";
      }
    },
    preview(url) {
      picture.src = route(url);
      preview.hidden = false;
    },
    close() {
      progress.remove();
      preview.remove();
      document.title = "Easel";
    },
  };
}

/**
 * The size that the picture will be shown at, as far as the controls tell: previews are smaller, and nothing is to jump.
 * @param {string} tab
 */
function pictureSize(tab) {
  /** @type {HTMLInputElement | null} */
  const larger = document.querySelector(`#${tab}_hr-checkbox input`);
  const byScale = document.documentElement.dataset[`${tab}_tabs_resize`] === "by";
  return ["width", "height"].map((side) => {
    const value = textBox(`${tab}_${side}`)?.value;
    return value && !larger?.checked && !byScale ? `${value}px` : "";
  });
}

/** @param {number} seconds */
function duration(seconds) {
  const whole = Math.max(Math.ceil(seconds), 1);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : minutes ? `${minutes}:${rest}` : `${whole} s`;
}
