// @ts-check
// A gamepad turns the pictures of the viewer: the left stick or the cross; B closes, A zooms.

const [A, B, LEFT, RIGHT] = [0, 1, 14, 15];
const FAR = 0.5;

/**
 * Watch gamepads until the function that is returned is called.
 * @param {{ turn: (step: number) => void, close: () => void, zoom: () => void }} acts
 */
export function watchGamepad({ turn, close, zoom }) {
  const { gamepad, repeat } = window.easelOptions.viewer;
  if (!gamepad || !navigator.getGamepads) {
    return () => {};
  }
  let [held, since, pressed, frame] = [0, 0, false, 0];
  const look = (/** @type {number} */ now) => {
    frame = requestAnimationFrame(look);
    const pads = navigator.getGamepads().filter((pad) => pad !== null);
    const down = (/** @type {number} */ button) => pads.some((pad) => pad.buttons[button]?.pressed);
    const stick = pads.map((pad) => pad.axes[0] ?? 0).find((value) => Math.abs(value) > FAR) ?? 0;
    const step = down(RIGHT) ? 1 : down(LEFT) ? -1 : Math.sign(stick);
    if (step !== held || (step && now - since >= repeat)) {
      [held, since] = [step, now];
      if (step) {
        turn(step);
      }
    }
    const button = down(B) || down(A);
    if (button && !pressed) {
      down(B) ? close() : zoom();
    }
    pressed = button;
  };
  frame = requestAnimationFrame(look);
  return () => cancelAnimationFrame(frame);
}
