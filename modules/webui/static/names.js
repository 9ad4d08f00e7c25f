// @ts-check
// Tooltips, and names for screen readers, of buttons that show only a sign.
import { panels, textBox } from "./dom.js";

const NAMES = {
  refresh_sd_model_checkpoint: "Look for checkpoints again",
  hr_checkpoint_refresh: "Look for checkpoints again",
  upscaling_res_switch_btn: "Swap width and height",
  refresh_checkpoint_A: "Look for checkpoints again",
  refresh_checkpoint_B: "Look for checkpoints again",
  refresh_checkpoint_C: "Look for checkpoints again",
  modelmerger_refresh_bake_in_vae: "Look for VAE files again",
  interrogate: "Describe the picture with CLIP, in place of the prompt",
  deepbooru: "Name the picture's tags with DeepDanbooru, in place of the prompt",
  refresh_train_embedding_name: "Look for embeddings again",
  refresh_train_hypernetwork_name: "Look for hypernetworks again",
  refrsh_train_template_file: "Look for templates again",
  extras_open_folder: "Open the folder of the picture shown",
  extras_send_to_img2img: "Send the picture to img2img",
  extras_send_to_inpaint: "Send the picture to img2img inpaint",
  extras_send_to_extras: "Send the picture to Extras again",
  extras_generate: "Work on the picture (Ctrl+Enter)",
  extras_interrupt: "Stop and keep what is finished (Alt+Enter, Esc)",
  extras_skip: "Leave this picture and go on with the next",
};

/** Those of each generation panel; TAB stands for the name of its tab. */
const PANEL_NAMES = {
  TAB_clear_prompt: "Clear both prompts",
  TAB_style_apply: "Write the chosen styles into the prompts",
  TAB_prompt_tools: "Tools for the prompt: weights, order, builder, trigger words, sizes",
  TAB_styles_edit_button: "Edit the styles",
  TAB_style_apply_dialog: "Write the chosen styles, or else this one, into the prompts",
  TAB_style_copy: "Copy both prompts into this style",
  refresh_TAB_styles: "Read the styles file again",
  TAB_res_switch_btn: "Swap width and height",
  TAB_aspect_lock_btn: "Hold the proportion: the other side follows",
  TAB_random_seed: "Random: a new seed each time (-1)",
  TAB_reuse_seed: "Use the seed of the picture shown",
  TAB_random_subseed: "Random: a new variation seed each time (-1)",
  TAB_reuse_subseed: "Use the variation seed of the picture shown",
  TAB_upscale: "Upscale this picture: the second pass as Hires. fix says, and it takes the place of this one",
  TAB_open_folder: "Open the folder of the picture shown",
  TAB_favourite: "Favourite: find this picture again in the history by it; again takes it back",
  save_TAB: "Save the picture shown to the folder of those to keep",
  save_zip_TAB: "Save the pictures as an archive",
  TAB_send_to_img2img: "Send the picture and its settings to img2img",
  TAB_send_to_sketch: "Send the picture and its settings to img2img sketch",
  TAB_send_to_inpaint: "Send the picture and its settings to img2img inpaint",
  TAB_send_to_extras: "Send the picture to Extras",
  TAB_detect_image_size_btn: "Take the size of the picture",
  TAB_checkpoint_refresh: "Look for checkpoints again",
  TAB_generate: "Make the picture (Ctrl+Enter)",
  TAB_interrupt: "Stop and keep what is finished (Alt+Enter, Esc)",
  TAB_skip: "Leave this batch and go on with the next",
};

const PASTE = "Read settings from the prompt, or those of the last picture";

export function nameButtons() {
  for (const [id, name] of Object.entries(NAMES)) {
    nameButton(document.getElementById(id), name);
  }
  nameInput("settings_search", "Search the settings");
  // What stands on the button says it better.
  document.querySelectorAll("button.upload-container[aria-label]").forEach((each) => each.removeAttribute("aria-label"));
  for (const tab of panels()) {
    for (const [id, name] of Object.entries(PANEL_NAMES)) {
      nameButton(document.getElementById(id.replace("TAB", tab)), name);
    }
    nameButton(document.querySelector(`#${tab}_tools button.paste`), PASTE);
    document.querySelector(`#${tab}_styles input`)?.setAttribute("placeholder", "Styles");
    nameInput(`${tab}_prompt`, "Prompt");
    nameInput(`${tab}_neg_prompt`, "Negative prompt");
  }
}

/** @param {HTMLElement | null} button @param {string} name */
function nameButton(button, name) {
  button?.setAttribute("title", name);
  if (button?.classList.contains("tool")) {
    button.setAttribute("aria-label", name);
  }
}

/** @param {string} id @param {string} name */
function nameInput(id, name) {
  textBox(id)?.setAttribute("aria-label", name);
}
