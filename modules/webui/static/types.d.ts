// What the scripts of the page share with the server and with Gradio's events, for the check by tsc alone.

interface EaselOptions {
  panels: string[];
  previewPeriod: number;
  previews: boolean;
  progressInTitle: boolean;
  sound: string | null;
  volume: number;
  theme: string | null;
}

interface Window {
  easel: Record<string, (...values: any[]) => unknown>;
  easelOptions: EaselOptions;
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
}
