// @ts-check
// Notes on a model file, its picture, and what the file itself says.
import { api } from "../api.js";
import { closeDialog, openDialog } from "../dialogs.js";
import { element, route } from "../dom.js";
import { attempt, say, stage } from "../notice.js";

/** @typedef {{ tab: string, page: string, kind: string, name: string, metadata: boolean, saved: () => void }} Wanted */
/** @typedef {{ key: string, label: string, lines?: number, number?: boolean, choices?: string[], empty?: string, elem_id?: string }} Field */

/** @type {Field[]} */
const COMMON = [{ key: "description", label: "Description", lines: 3 }, { key: "notes", label: "Notes", lines: 3 }];
/** @type {Field[]} */
const LORA = [
  { key: "description", label: "Description", lines: 2 },
  { key: "sd version", label: "Stable Diffusion version", choices: ["", "SD1", "SD2", "SDXL", "Unknown"] },
  { key: "activation text", label: "Activation text", lines: 2 },
  { key: "preferred weight", label: "Preferred weight (0: the usual one)", number: true },
  { key: "negative text", label: "Negative prompt", lines: 2 },
  { key: "notes", label: "Notes", lines: 2 },
];
/** @type {Field} */
const VAE = { key: "vae", label: "Preferred VAE", choices: [], empty: "None is preferred", elem_id: "checpoint_edit_user_metadata_preferred_vae" };
const TAGS_SHOWN = 60;

/** @param {Wanted} wanted */
export async function openEditor(wanted) {
  const about = await attempt(() => api(address(wanted, "")));
  if (!about) {
    return;
  }
  const id = `${wanted.tab}_${wanted.page}_edit_user_metadata`;
  document.getElementById(id)?.remove();
  const dialog = element("div", "easel-dialog card-editor");
  dialog.id = id;
  const heading = element("h2");
  heading.textContent = about.name;
  const form = element("div", "card-editor-fields");
  const fields = (await fieldsFor(wanted.kind)).map((field) => fieldOf(id, field, about.user_metadata[field.key] ?? (field.key === "description" ? about.description : "")));
  form.append(...fields.map((field) => field.element));
  const activation = fields.find((field) => field.key === "activation text");
  if (activation) {
    activation.element.append(tags(about.tags, activation.box));
  }
  const message = element("p", "note error");
  message.setAttribute("role", "alert");
  message.hidden = true;
  dialog.append(heading, pictureOf(wanted, about), facts(about), form, metadataOf(about, wanted.metadata), message, buttons(id, async () => {
    const changes = Object.fromEntries(fields.map((field) => [field.key, field.value()]));
    try {
      await api(address(wanted, "/notes"), { method: "PUT", body: changes });
    } catch (error) {
      message.textContent = error instanceof Error ? error.message : String(error);
      message.hidden = false;
      return;
    }
    closeDialog();
    wanted.saved();
  }));
  stage().append(dialog);
  openDialog(id);
}

/** @param {string} kind @returns {Promise<Field[]>} */
async function fieldsFor(kind) {
  if (kind !== "checkpoint") {
    return kind === "lora" ? LORA : COMMON;
  }
  const told = await attempt(() => api("models?kind=vae&limit=1000"));
  const names = (told?.items ?? []).map((/** @type {{ name: string }} */ each) => each.name);
  return [...COMMON, { ...VAE, choices: ["", "Automatic", "None", ...names] }];
}

/** @param {Wanted} wanted @param {string} part */
function address(wanted, part) {
  return `models/${wanted.kind}/${wanted.name.split("/").map(encodeURIComponent).join("/")}${part}`;
}

/** @param {string} id @param {Field} field @param {unknown} value */
function fieldOf(id, field, value) {
  const label = element("label", "card-field");
  label.id = field.elem_id ?? "";
  const name = element("span");
  name.textContent = field.label;
  const box = /** @type {HTMLInputElement} */ (element(field.choices ? "select" : field.lines ? "textarea" : "input"));
  box.id = `${id}_${field.key.replaceAll(" ", "_")}`;
  if (field.lines) {
    box.setAttribute("rows", String(field.lines));
  }
  if (field.number) {
    Object.assign(box, { type: "number", step: "0.05", min: "-10", max: "10" });
  }
  for (const choice of field.choices ?? []) {
    box.append(new Option(choice || field.empty || "As the file says", choice));
  }
  box.value = String(value ?? "");
  label.append(name, box);
  return { key: field.key, element: label, box, value: () => (field.number ? Number(box.value) || 0 : box.value) };
}

/** Tags of the training, to press into the activation text. @param {Record<string, number>} counted @param {HTMLInputElement} box */
function tags(counted, box) {
  const list = element("span", "card-tags");
  for (const [tag, count] of Object.entries(counted).slice(0, TAGS_SHOWN)) {
    const button = element("button", "card-tag");
    button.setAttribute("type", "button");
    button.textContent = tag;
    button.title = `${count} pictures of the training`;
    button.addEventListener("click", (event) => {
      event.preventDefault();
      const words = box.value.split(",").map((word) => word.trim()).filter(Boolean);
      box.value = (words.includes(tag) ? words.filter((word) => word !== tag) : [...words, tag]).join(", ");
    });
    list.append(button);
  }
  return list;
}

/** @param {Wanted} wanted @param {any} about */
function pictureOf(wanted, about) {
  const part = element("div", "card-editor-picture");
  const picture = /** @type {HTMLImageElement} */ (element("img"));
  picture.alt = "The picture of this card";
  picture.hidden = !about.preview;
  picture.src = about.preview ? route(about.preview) : "";
  const take = element("button", "card-editor-button");
  take.setAttribute("type", "button");
  take.textContent = "Use the picture in the gallery";
  const file = /** @type {HTMLInputElement} */ (element("input"));
  Object.assign(file, { type: "file", accept: "image/png,image/jpeg,image/webp", hidden: true });
  const choose = element("button", "card-editor-button");
  choose.setAttribute("type", "button");
  choose.textContent = "Choose a file";
  choose.addEventListener("click", () => file.click());
  const show = (/** @type {Blob} */ blob) => {
    picture.src = URL.createObjectURL(blob);
    picture.hidden = false;
  };
  take.addEventListener("click", () => attempt(async () => show(await usePictureShown(wanted))));
  file.addEventListener("change", () => attempt(async () => file.files?.[0] && show(await putPicture(wanted, file.files[0]))));
  part.append(picture, take, choose, file);
  return part;
}

/** Give a card the picture that the gallery shows. @param {Wanted} wanted */
export async function usePictureShown(wanted) {
  const shown = galleryPicture(wanted.tab);
  if (!shown) {
    throw new Error("There is no picture in the gallery. Make one first.");
  }
  return putPicture(wanted, await (await fetch(shown)).blob());
}

/** @param {Wanted} wanted @param {Blob} blob */
async function putPicture(wanted, blob) {
  const answer = await fetch(route(`api/v1/${address(wanted, "/preview")}`), { method: "PUT", body: blob });
  if (!answer.ok) {
    const told = await answer.json().catch(() => null);
    throw new Error(typeof told?.detail === "string" ? told.detail : told?.errors || `The picture was not taken (${answer.status}).`);
  }
  say("The picture is replaced.");
  wanted.saved();
  return blob;
}

/** The address of the picture that a tab's gallery shows, or of its first. @param {string} tab */
function galleryPicture(tab) {
  const places = [".preview .media-button img", ".thumbnail-item.selected img", ".thumbnail-item img"];
  for (const place of places) {
    const found = document.querySelector(`#${tab}_gallery ${place}`);
    if (found instanceof HTMLImageElement && found.src) {
      return found.src;
    }
  }
  return "";
}

/** @param {any} about */
function facts(about) {
  const list = element("dl", "card-facts");
  const rows = {
    File: about.path,
    Alias: about.alias,
    Family: about.family,
    Size: about.size === null ? "" : sizeOf(about.size),
    Modified: about.modified ? new Date(about.modified * 1000).toLocaleString() : "",
    Hash: about.hashes.sha256 ?? about.hashes.addnet,
    Problem: about.problem,
    ...about.details,
  };
  for (const [name, value] of Object.entries(rows)) {
    if (value) {
      const [term, detail] = [element("dt"), element("dd")];
      term.textContent = name;
      detail.textContent = String(value);
      list.append(term, detail);
    }
  }
  return list;
}

/** @param {number} bytes */
function sizeOf(bytes) {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** @param {any} about @param {boolean} open */
function metadataOf(about, open) {
  const part = /** @type {HTMLDetailsElement} */ (element("details", "card-metadata"));
  const heading = element("summary");
  heading.textContent = "Metadata of the file";
  const text = element("pre");
  text.tabIndex = 0;
  const isEmpty = !Object.keys(about.metadata).length;
  text.textContent = isEmpty ? "The file says nothing." : JSON.stringify(about.metadata, null, 2);
  part.append(heading, text);
  part.open = open;
  return part;
}

/** @param {string} id @param {() => void} save */
function buttons(id, save) {
  const row = element("div", "dialog-buttons card-editor-buttons");
  for (const [label, name, act] of /** @type {const} */ ([["Save", "save", save], ["Close", "close", closeDialog]])) {
    const button = element("button", `card-editor-button ${name}`);
    button.id = `${id}_${name}`;
    button.setAttribute("type", "button");
    button.textContent = label;
    button.addEventListener("click", act);
    row.append(button);
  }
  return row;
}
