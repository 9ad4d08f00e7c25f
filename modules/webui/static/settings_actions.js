// @ts-check
// The buttons of Settings, Actions.
import { api } from "./api.js";
import { around, press } from "./dom.js";
import { onEvent } from "./events.js";
import { calculateHashes, changeLoaded } from "./loaded_checkpoint.js";
import { attempt, say } from "./notice.js";

const ACTIONS = new Map(/** @type {[string, () => unknown][]} */ ([
  ["settings_restart_gradio", restart],
  ["easel_footer_restart", restart],
  ["sett_unload_sd_model", () => changeLoaded("unload")],
  ["sett_reload_sd_model", () => changeLoaded("reload")],
  ["calculate_all_checkpoint_hash", () => calculateHashes(["checkpoint"])],
  ["download_localization", async () => (await import("./localization.js")).downloadTemplate()],
  ["request_notifications", askForNotifications],
]));

export function watchSettingsActions() {
  onEvent(watchRestart);
  document.addEventListener("click", (event) => {
    const button = around(event, ".settings-action button, #easel_footer_restart");
    if (button) {
      ACTIONS.get(button.id)?.();
    }
  });
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box instanceof HTMLInputElement && box.id === "sysinfo_file" && box.files?.[0]) {
      checkSysinfo(box.files[0]);
      box.value = "";
    }
  });
}

/** A restart was asked for here, and the server has gone for it. */
let restarting = false;
let gone = false;

function restart() {
  if (confirm("Restart Easel? What runs is interrupted; what waits goes on afterwards.")) {
    restarting = true;
    press("easel_restart");
  }
}

/** The page is opened again when the server is back: tabs and controls may be others. @param {string} kind */
function watchRestart(kind) {
  if (restarting && kind === "lost") {
    gone = true;
  } else if (restarting && gone && kind === "connected") {
    location.reload();
  }
}

async function checkSysinfo(/** @type {File} */ file) {
  const place = document.getElementById("sysinfo_validity");
  const told = await attempt(async () => api("/internal/sysinfo-check", { body: { text: await file.text() } }));
  if (place && told) {
    place.textContent = `${file.name}: ${told.detail}`;
    place.classList.toggle("error", !told.valid);
    place.hidden = false;
  }
}

async function askForNotifications() {
  if (!("Notification" in window)) {
    say("This browser shows no notifications here; it may want https for them.", true);
  } else {
    const allowed = await Notification.requestPermission();
    say(allowed === "granted" ? "You will be told when pictures are finished while this page is out of sight." : "The browser refuses notifications for this page.", allowed !== "granted");
  }
}
