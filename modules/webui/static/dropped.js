// @ts-check
// What is being dragged over the page, as a file.

/** Whether there may be a picture in it. @param {DataTransfer | null} data */
export function carriesPicture(data) {
  return Boolean(data && (data.types.includes("Files") || data.types.includes("text/uri-list")));
}

/** The file that was dropped; one of this page's pictures comes as the file it is. @param {DataTransfer} data */
export async function fileOf(data) {
  // Read before anything is awaited: afterwards the browser has taken it away.
  return data.files[0] ?? (await fileAt(data.getData("text/uri-list")));
}

/** A picture of this page that was dragged as an address, as the file it is. @param {string} address */
async function fileAt(address) {
  if (!address || new URL(address, document.baseURI).origin !== window.location.origin) {
    return null;
  }
  const answer = await fetch(address);
  return answer.ok ? new File([await answer.blob()], address.split("/").pop() || "picture.png") : null;
}
