// What the page does besides what Gradio does. Python's event handlers call the functions of `window.easel`.
import { begin, finished, interrupting, resume, runningTask, skipping } from "./progress.js";
import { finalSize } from "./hires.js";
import { watchDrops } from "./drop.js";
import { watchKeys } from "./keys.js";
import { watchSettingsSearch } from "./settings.js";
import { openTab, watchTabs } from "./tabs.js";
import { watchPrompts } from "./tokens.js";
import { whenDrawn } from "./dom.js";
import { nameButtons } from "./names.js";
import { watchGallery } from "./gallery.js";

window.easel = { begin, finalSize, finished, interrupting, openTab, runningTask, skipping };

watchTabs();
watchKeys();
watchDrops();
watchSettingsSearch();
whenDrawn("#txt2img_generate, #txt2img_prompt textarea, #txt2img_neg_prompt textarea, #txt2img_gallery, #txt2img_restore_progress", () => {
  nameButtons();
  watchPrompts();
  watchGallery();
  resume("txt2img");
});
