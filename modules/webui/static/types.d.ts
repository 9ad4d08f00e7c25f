// What the scripts of the page share with the server and with Gradio's events, for the check by tsc alone.

interface EaselOptions {
  panels: string[];
  runs: Record<string, string>;
  /** By the id of a control; see first_start.py. */
  firstInputs: Record<string, string | number>;
  previewPeriod: number;
  previews: boolean;
  progressBar: boolean;
  keepAwake: boolean;
  galleryHeight: string;
  tokenCounters: boolean;
  craft: { completion: boolean, notes: boolean, marks: Record<string, string> };
  progressInTitle: boolean;
  sound: string | null;
  volume: number;
  theme: string | null;
  keyedit: { attention: number, extra: number, delimiters: string, move: boolean };
  viewer: { on: boolean, zoomed: boolean, gamepad: boolean, repeat: number, icons: number, bar: number };
  canvas: CanvasOptions;
}

/** What the settings say of canvases; see canvas/options.py. Keys are upper case letters, "" for none. */
interface CanvasOptions {
  zoom: string;
  adjust: string;
  keys: Record<"shrink_brush" | "grow_brush" | "move" | "fullscreen" | "reset" | "overlap", string>;
  tooltip: boolean;
  autoExpand: boolean;
  blurPrompt: boolean;
  disabled: string[];
  height: number;
  colours: Record<string, string>;
}

/** What Gradio gives a component of ours when it is drawn. */
interface CanvasWidget {
  element: HTMLElement;
  props: { value: string };
  watch: (name: string, changed: () => void) => void;
  upload: (file: File) => Promise<{ path: string; url: string }>;
}

/** What is on a canvas, by the paths of files on the server; `frame` is left, top, right, bottom in pixels. */
interface CanvasContent {
  picture: string | null;
  paint: string | null;
  soft: boolean;
  frame: number[];
}

interface CanvasStep {
  undo: () => void;
  redo: () => void;
  bytes: number;
}

interface Window {
  localization?: Record<string, string>;
  gradio_config?: {
    components?: { id: number; type: string; props?: Record<string, unknown> }[];
    dependencies?: { targets: [number, string][]; inputs: number[] }[];
  };
  /** The tree of the page's components; see gradio_scripts.py. */
  easelMenuEntries?: (element: EventTarget | null) => { label: string, act: () => void }[];
  easelTree?: {
    render_previously_invisible_children: (id: number) => Promise<void>;
    get_state: (id: number, alone: boolean) => Promise<{ value?: unknown; choices?: unknown[]; allow_custom_value?: boolean } | null>;
    update_state: (id: number, state: object, checks: boolean) => Promise<void>;
  };
  easel: Record<string, (...values: any[]) => unknown>;
  easelOptions: EaselOptions;
  easelCanvases?: CanvasWidget[] | { push: (widget: CanvasWidget) => void };
}

/** The data of an event of GET /api/v1/events; see its documentation. */
interface JobEvent {
  job?: string;
  running?: string[];
  waiting?: string[];
  text?: string;
  progress?: number;
  eta?: number | null;
  number?: number;
  url?: string;
  paused?: boolean;
  kind?: string;
  standing?: string | null;
  state?: string;
  source?: string;
  numbers?: number[];
  id?: string;
}
