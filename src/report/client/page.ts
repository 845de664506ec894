import { merged, type PageData, type PageRun, type PageUpdate } from '../data.js';

/** What has changed, beside the page as it is now. */
type Listener = (update: PageUpdate) => void;

/** A page as its modules see it: each has one `mount(page)`, and listens for what concerns it. */
export class ClientPage {
  /** Runs chosen by whoever reads, by id: `null` is all of them. */
  selection: ReadonlySet<string> | null = null;
  /** Ids of the two that are looked at side by side, as far as they are chosen. */
  compared: readonly string[] = [];
  readonly #listeners: Listener[] = [];
  readonly #selected: (() => void)[] = [];
  readonly #comparing: (() => void)[] = [];
  readonly #choices = new Map<string, (run: PageRun) => boolean>();

  constructor(public data: PageData) {}

  onUpdate(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Takes in what a server says has changed, then tells every module. */
  apply(update: PageUpdate): void {
    const { made, figures, runs, swept, common } = update;
    this.data = {
      ...this.data,
      ...(swept && { swept }),
      ...(common && { common }),
      made,
      figures: merged(this.data.figures, figures),
      runs: merged(this.data.runs, runs),
    };
    if (runs !== undefined) this.#choose();
    for (const listener of this.#listeners) listener(update);
  }

  /** Narrows the runs that are shown, all over the page; each module has one condition. `null`: no longer. */
  choose(by: string, condition: ((run: PageRun) => boolean) | null): void {
    if (condition === null) this.#choices.delete(by);
    else this.#choices.set(by, condition);
    this.#choose();
  }

  #choose(): void {
    const all = [...this.#choices.values()];
    const chosen = this.data.runs.filter((run) => all.every((condition) => condition(run)));
    this.select(all.length === 0 ? null : chosen.map(({ id }) => id));
  }

  /** Puts two runs side by side. */
  compare(ids: readonly string[]): void {
    this.compared = ids;
    for (const listener of this.#comparing) listener();
  }

  onCompare(listener: () => void): void {
    this.#comparing.push(listener);
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
