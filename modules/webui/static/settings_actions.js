// @ts-check
// The buttons of Settings, Actions.
import { api } from "./api.js";
import { around, press } from "./dom.js";
import { attempt, say } from "./notice.js";

const ACTIONS = new Map(/** @type {[string, () => unknown][]} */ ([
  ["settings_restart_gradio", () => confirm("Restart Easel? What runs is interrupted; what waits goes on afterwards.") && press("easel_restart")],
  ["sett_unload_sd_model", () => checkpoint("unload", "The checkpoint is unloaded.")],
  ["sett_reload_sd_model", () => checkpoint("reload", "The checkpoint is loaded.")],
  ["download_localization", async () => (await import("./localization.js")).downloadTemplate()],
  ["request_notifications", askForNotifications],
]));

export function watchSettingsActions() {
  document.addEventListener("click", (event) => {
    const button = around(event, ".settings-action button");
    if (button) {
      ACTIONS.get(button.id)?.();
    }
  });
}

/** @param {string} what @param {string} done */
function checkpoint(what, done) {
  return attempt(async () => {
    await api(`checkpoint/${what}`, { method: "POST" });
    say(done);
  });
}

async function askForNotifications() {
  if (!("Notification" in window)) {
    say("This browser shows no notifications here; it may want https for them.", true);
  } else {
    const allowed = await Notification.requestPermission();
    say(allowed === "granted" ? "You will be told when pictures are finished while this page is out of sight." : "The browser refuses notifications for this page.", allowed !== "granted");
  }
}
