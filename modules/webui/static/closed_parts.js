// @ts-check
// Gradio leaves out what is in closed accordions until they are opened. Scripts look for all of it in the page, so it is
// drawn once the page is of use.

/** @type {Promise<void> | null} */
let drawing = null;

/** Draw what is in closed parts; ends when all of it is there. */
export function drawClosedParts() {
  drawing ??= drawAll();
  return drawing;
}

async function drawAll() {
  const tree = window.easelTree;
  for (const component of tree ? window.gradio_config?.components ?? [] : []) {
    if (component.type === "accordion" || component.type === "tabitem") {
      await tree?.render_previously_invisible_children(component.id);
      // Those who use the page already are not kept waiting.
      await new Promise((done) => setTimeout(done));
    }
  }
}
