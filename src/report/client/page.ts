import { merged, type PageData, type PageUpdate } from '../data.js';

/** What has changed, beside the page as it is now. */
type Listener = (update: PageUpdate) => void;

/** A page as its modules see it: each has one `mount(page)`, and listens for what concerns it. */
export class ClientPage {
  /** Runs chosen by whoever reads, by id: `null` is all of them. */
  selection: ReadonlySet<string> | null = null;
  readonly #listeners: Listener[] = [];
  readonly #selected: (() => void)[] = [];

  constructor(public data: PageData) {}

  onUpdate(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Takes in what a server says has changed, then tells every module. */
  apply(update: PageUpdate): void {
    const { made, figures, runs } = update;
    this.data = {
      ...this.data,
      made,
      figures: merged(this.data.figures, figures),
      runs: merged(this.data.runs, runs),
    };
    for (const listener of this.#listeners) listener(update);
  }

  onSelect(listener: () => void): void {
    this.#selected.push(listener);
  }

  select(ids: Iterable<string> | null): void {
    this.selection = ids === null ? null : new Set(ids);
    for (const listener of this.#selected) listener();
  }
}

/** Reads the data block, which is packed where it is long. */
export async function readData(): Promise<PageData> {
  const block = document.getElementById('data') as HTMLScriptElement;
  const text = block.textContent ?? '';
  if (!block.type.endsWith('+gzip')) return JSON.parse(text) as PageData;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return (await new Response(stream).json()) as PageData;
}
