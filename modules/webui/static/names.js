// Tooltips, and names for screen readers, of buttons that show only a sign.

const NAMES = {
  paste: "Read settings from the prompt, or those of the last picture",
  txt2img_clear_prompt: "Clear both prompts",
  txt2img_style_apply: "Write the chosen styles into the prompts",
  refresh_txt2img_styles: "Read the styles file again",
  txt2img_res_switch_btn: "Swap width and height",
  txt2img_random_seed: "Random: a new seed each time (-1)",
  txt2img_reuse_seed: "Use the seed of the picture shown",
  txt2img_random_subseed: "Random: a new variation seed each time (-1)",
  txt2img_reuse_subseed: "Use the variation seed of the picture shown",
  refresh_sd_model_checkpoint: "Look for checkpoints again",
  txt2img_upscale: "Upscale this picture: the second pass as Hires. fix says, and it takes the place of this one",
  save_txt2img: "Save the picture shown to the folder of those to keep",
  save_zip_txt2img: "Save the pictures as an archive",
  hr_checkpoint_refresh: "Look for checkpoints again",
  txt2img_checkpoint_refresh: "Look for checkpoints again",
  txt2img_generate: "Make the picture (Ctrl+Enter)",
  txt2img_interrupt: "Stop and keep what is finished (Alt+Enter, Esc)",
  txt2img_skip: "Leave this batch and go on with the next",
};

export function nameButtons() {
  for (const [id, name] of Object.entries(NAMES)) {
    const button = document.getElementById(id);
    button?.setAttribute("title", name);
    if (button?.classList.contains("tool")) {
      button.setAttribute("aria-label", name);
    }
  }
  document.querySelector("#txt2img_styles input")?.setAttribute("placeholder", "Styles");
  for (const [id, name] of [["txt2img_prompt", "Prompt"], ["txt2img_neg_prompt", "Negative prompt"], ["settings_search", "Search the settings"]]) {
    document.querySelector(`#${id} textarea, #${id} input`)?.setAttribute("aria-label", name);
  }
}
