// @ts-check
// What the page does besides what Gradio does. Python's event handlers call the functions of `window.easel`.
import { begin, finished, interrupting, lastJob, lastShown, resume, runningTask } from "./progress.js";
import { inputsRestored, keepNow, kept, restoreInputs, touched, watchLeaving, withSession } from "./inputs.js";
import { checkpointChanged, desiredCheckpoint, fetchAhead, watchCards } from "./cards/mount.js";
import { watchEstimates } from "./estimate.js";
import { watchEvents } from "./events.js";
import { closeDialog, openDialog, watchDialogs } from "./dialogs.js";
import { drawClosedParts } from "./closed_parts.js";
import { watchDrops } from "./drop.js";
import { watchKeys } from "./keys.js";
import { watchSettingsSearch } from "./settings.js";
import { watchSettingsActions } from "./settings_actions.js";
import { settingsRead, watchSettings } from "./settings_state.js";
import { openTab, watchTabs } from "./tabs.js";
import { watchPrompts } from "./tokens.js";
import { panels, runs, whenDrawn } from "./dom.js";
import { nameButtons } from "./names.js";
import { watchGalleries } from "./gallery.js";
import { putDrawingsBack, showRegion, watchCanvases } from "./canvas/mount.js";
import { watchResizing } from "./canvas/resize_preview.js";
import { openMenu } from "./menu.js";
import { historyChosen, watchHistory } from "./history.js";
import { watchModels } from "./models.js";
import { watchOpenSliders } from "./open_sliders.js";
import { watchPromptCraft } from "./prompt/mount.js";
import { watchPromptHistory } from "./prompt_history.js";
import { watchConnection } from "./notice.js";
import { watchQueue } from "./queue.js";
import { watchSizes } from "./sizes.js";
import { watchStanding } from "./standing.js";
import { watchUnsent } from "./unsent.js";

window.easel = {
  begin, checkpointChanged, closeDialog, desiredCheckpoint, drawClosedParts, finished, historyChosen, inputsRestored, interrupting,
  keepNow, kept, lastJob, lastShown, openDialog, openMenu, openTab, runningTask, settingsRead, showRegion, touched, withSession,
};

if (["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) {
  document.documentElement.dataset.local = "yes";
}
watchEvents();
watchLeaving();
watchUnsent(() => runs().forEach(touched));

watchTabs();
watchCards();
watchDialogs();
watchKeys();
watchPromptHistory();
watchPromptCraft();
watchOpenSliders();
watchDrops();
watchCanvases();
watchResizing();
watchSettingsSearch();
watchSettingsActions();
const NEEDED = ["_keep_inputs", "_generate", "_prompt textarea", "_neg_prompt textarea", "_gallery", "_restore_progress", "_restore_last", "_add_to_queue", "_generate_forever"];

const needed = [
  ...panels().flatMap((tab) => NEEDED.map((rest) => `#${tab}${rest}`)),
  ...runs().flatMap((tab) => ["_keep_inputs", "_restore_progress", "_restore_last"].map((rest) => `#${tab}${rest}`)),
];

whenDrawn([...needed, "#easel_restore_inputs"], () => {
  nameButtons();
  // A length that CSS does not know changes nothing.
  document.documentElement.style.setProperty("--easel-gallery-height", window.easelOptions.galleryHeight);
  watchPrompts();
  watchGalleries();
  watchConnection();
  watchSizes();
  watchQueue();
  watchStanding();
  watchEstimates();
  runs().forEach(resume);
});
whenDrawn(["#easel_history"], watchHistory);
whenDrawn(["#easel_models"], watchModels);
whenDrawn(["#settings_tools", "#settings_result", "#settings_read_again"], watchSettings);
// The server has filled the lists: what was chosen from them can come back.
whenDrawn(["html[data-opened]", ...needed, "#easel_restore_inputs"], restoreInputs);
whenDrawn(["html[data-inputs=restored]"], () => {
  drawClosedParts();
  putDrawingsBack();
  fetchAhead();
});
