import { jsonOfPrintable } from '../../errors.js';
import type { PageModel } from '../data.js';
import { PageExamplesReader } from '../examples/index.js';
import { FIGURE_FILES, FIGURE_KINDS } from '../figure-files.js';
import { drawFigures, type FigurePlan } from '../figures/index.js';
import { pageModel } from '../model.js';
import { pagePolicy, renderPage } from '../page.js';
import { drawPictures } from '../pictures.js';
import { makeReport, type Report } from '../report.js';
import type { FoundRuns } from './live-runs.js';
import { Parts } from './parts.js';
import { type Progress, progressSection } from './progress.js';
import { type Answer, PLAIN_POLICY, type Served } from './server.js';

export interface LivePageOptions {
  /** Folder that paths of runs are told relative to. */
  folder: string;
  /** Where the data set of the pictures is looked for first. */
  dataDir?: string | undefined;
}

/** What of a page is sent whole where it has changed. */
const SINGLES = ['lead', 'swept', 'common'] as const;

/** Lists of a page of which an update has only what has changed. */
const LISTS = ['sections', 'figures', 'runs'] as const;

/** A page that took so long to render is given out for this many times as long: what it lacks comes as an update. */
const WORTH = 10;

/** The page of runs that go on: whole for whoever opens it, and then what has changed. */
export class LivePage implements Served {
  private made: { model: PageModel; report: Report } | undefined;
  private readonly singles = { lead: new Parts(), swept: new Parts(), common: new Parts() };
  private readonly lists = { sections: new Parts(), figures: new Parts(), runs: new Parts() };
  private readonly listeners = new Set<() => void>();
  private readonly svgs = new Map<string, { json: string | undefined; svg: Promise<string> }>();
  private readonly examples: PageExamplesReader;
  private readonly columns = new WeakMap<object, string>();
  private page: { html: Promise<string>; until: number } | undefined;

  constructor(private readonly options: LivePageOptions) {
    this.examples = new PageExamplesReader(options.dataDir);
  }

  /** When it was made: later with each change, whatever process made it. */
  get version(): string {
    return this.made?.model.made ?? '';
  }

  /** Makes it anew of the runs as they are now, and tells all pages. */
  async update({ runs, damaged }: FoundRuns, progress: readonly Progress[]): Promise<void> {
    const pictures = await drawPictures(runs, this.options.dataDir);
    const earliest = this.version === '' ? 0 : Date.parse(this.version) + 1;
    const examples = await this.examples.read(runs);
    const made = new Date(Math.max(Date.now(), earliest));
    const { folder } = this.options;
    const report = makeReport({ runs, damaged, pictures, examples, folder, made });
    const model = pageModel(report, { served: true });
    model.sections.unshift(progressSection(progress));
    this.made = { model, report };
    for (const id of SINGLES) {
      this.singles[id].take([{ id, json: jsonOfPrintable(model[id]) }], this.version);
    }
    for (const list of LISTS) {
      const parts = model[list].map((part) => ({ id: part.id, json: this.jsonOf(part) }));
      this.lists[list].take(parts, this.version);
    }
    for (const changed of this.listeners) changed();
  }

  onChange(changed: () => void): () => void {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  }

  /** A `PageUpdate`. */
  since(version: string): string {
    // Whoever has a later one has it from another process, whose clock was not this one's.
    const known = version <= this.version ? version : '';
    const singles = SINGLES.flatMap((id) =>
      this.singles[id].since(known) === undefined ? [] : [`"${id}":${this.singles[id].jsonOf(id)}`],
    );
    const lists = LISTS.flatMap((list) => {
      const json = this.lists[list].since(known);
      return json === undefined ? [] : [`"${list}":${json}`];
    });
    return `{${[`"made":"${this.version}"`, ...singles, ...lists].join(',')}}`;
  }

  async at(path: string): Promise<Answer | undefined> {
    if (this.made === undefined) return undefined;
    const { model, report } = this.made;
    const json = (value: unknown): Answer => {
      const body = `${jsonOfPrintable(value)}\n`;
      return { type: 'application/json', body, policy: PLAIN_POLICY };
    };
    if (path === '') {
      return {
        type: 'text/html; charset=utf-8',
        body: await this.whole(),
        policy: pagePolicy(true),
      };
    }
    if (path === 'data.json') return json(model);
    if (path === 'runs.json') return json(model.runs.map(({ columns: _, ...run }) => run));
    for (const plan of report.plans) {
      const kind = FIGURE_KINDS.find((kind) => path === `figures/${plan.id}.${kind}`);
      if (kind === undefined) continue;
      const file = await FIGURE_FILES[kind]({ ...plan, svg: await this.svgOf(plan) });
      return { ...file, policy: `${PLAIN_POLICY}; style-src 'unsafe-inline'` };
    }
    return undefined;
  }

  /** Of a run the columns are most of it, and the same object while no row has come. */
  private jsonOf(part: PageModel[(typeof LISTS)[number]][number]): string {
    if (!('columns' in part)) return jsonOfPrintable(part);
    const { columns, ...rest } = part;
    const json = this.columns.get(columns) ?? jsonOfPrintable(columns);
    this.columns.set(columns, json);
    return `${jsonOfPrintable(rest).slice(0, -1)},"columns":${json}}`;
  }

  private async whole(): Promise<string> {
    const { made, page } = this;
    if (page !== undefined && performance.now() < page.until) return page.html;
    const began = performance.now();
    const render = async () => {
      const { model, report } = made!;
      const svgs = new Map<string, string>();
      for (const plan of report.plans) svgs.set(plan.id, await this.svgOf(plan));
      for (const id of this.svgs.keys()) if (!svgs.has(id)) this.svgs.delete(id);
      return renderPage(model, svgs);
    };
    const rendered = { html: render(), until: Number.POSITIVE_INFINITY };
    this.page = rendered;
    const end = () => {
      const now = performance.now();
      rendered.until = now + WORTH * (now - began);
    };
    rendered.html.then(end, end);
    return rendered.html;
  }

  private svgOf(plan: FigurePlan): Promise<string> {
    const json = this.lists.figures.jsonOf(plan.id);
    const before = this.svgs.get(plan.id);
    if (before !== undefined && before.json === json) return before.svg;
    const svg = drawFigures([plan]).then(([figure]) => figure!.svg);
    this.svgs.set(plan.id, { json, svg });
    return svg;
  }
}
