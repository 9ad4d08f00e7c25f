// @ts-check

/** What an empty canvas holds. @returns {CanvasContent} */
export function emptyState() {
  return { picture: null, paint: null, soft: false, frame: [0, 0, 0, 0] };
}
