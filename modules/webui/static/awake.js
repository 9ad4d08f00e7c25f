// @ts-check
// Keeps the screen of a laptop or phone awake while pictures are made, where browser and settings allow it.

/** @type {WakeLockSentinel | null} */
let lock = null;
let wanted = false;

/** @param {boolean} awake */
export function stayAwake(awake) {
  wanted = awake && window.easelOptions.keepAwake;
  void settle();
}

async function settle() {
  if (wanted && !lock && document.visibilityState === "visible") {
    // Refused on battery savers and on pages without https; then the screen sleeps as it always does.
    lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    lock?.addEventListener("release", () => (lock = null));
  }
  if (!wanted && lock) {
    await lock.release();
  }
}

// The browser takes the lock away from a page that is not seen.
document.addEventListener("visibilitychange", settle);
