// What the page does besides what Gradio does. Python's event handlers call the functions of `window.easel`.
import { begin, finished, interrupting, resume, runningTask, skipping } from "./progress.js";
import { finalSize } from "./hires.js";
import { watchDrops } from "./drop.js";
import { watchKeys } from "./keys.js";
import { watchSettingsSearch } from "./settings.js";
import { openTab, watchTabs } from "./tabs.js";
import { watchPrompts } from "./tokens.js";
import { panels, whenDrawn } from "./dom.js";
import { nameButtons } from "./names.js";
import { watchGalleries } from "./gallery.js";

window.easel = { begin, finalSize, finished, interrupting, openTab, runningTask, skipping };

watchTabs();
watchKeys();
watchDrops();
watchSettingsSearch();
const NEEDED = ["_generate", "_prompt textarea", "_neg_prompt textarea", "_gallery", "_restore_progress"];

whenDrawn(panels().flatMap((tab) => NEEDED.map((rest) => `#${tab}${rest}`)).join(", "), () => {
  nameButtons();
  watchPrompts();
  watchGalleries();
  panels().forEach(resume);
});
