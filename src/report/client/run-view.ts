import type { Histograms, PageChart, PageFigure } from '../data.js';
import { make, toggle } from './dom.js';
import { FigureView } from './figure-view.js';
import type { ClientPage } from './page.js';

/** The part on single examples: one run at a time, and its distributions epoch by epoch. */
export function mount(page: ClientPage): void {
  enhance(page);
  page.onUpdate(({ sections }) => {
    if (sections?.changed.some(({ id }) => id === 'examples')) enhance(page);
  });
}

function enhance(page: ClientPage): void {
  const section = document.getElementById('examples');
  const folds = [...(section?.querySelectorAll<HTMLDetailsElement>('.run-examples') ?? [])];
  if (folds.length === 0) return;
  const show = (chosen: HTMLDetailsElement) => {
    for (const fold of folds) {
      fold.hidden = fold !== chosen;
      fold.open = fold === chosen;
    }
    distribution(chosen, page);
  };
  if (folds.length > 1) {
    const names = folds.map((fold) => fold.querySelector('summary')!.textContent ?? '');
    const box = make('select', { onchange: () => show(folds[box.selectedIndex]!) });
    box.append(...names.map((name) => make('option', {}, name)));
    folds[0]!.before(make('p', { class: 'choose-run' }, make('label', {}, 'run ', box)));
  }
  show(folds[0]!);
}

const KINDS = ['loss', 'margin'] as const;
const NAMES = { changed: 'changed label', unchanged: 'label as it was' };
const GROUPS = ['changed', 'unchanged'] as const;

/** In the place of a run's numbers, a figure of them with a slider over epochs. */
function distribution(fold: HTMLElement, page: ClientPage): void {
  const block = fold.querySelector('script.histograms');
  if (block === null) return;
  const histograms = JSON.parse(block.textContent ?? '') as Histograms;
  const { epochs } = histograms;
  let [kind, place]: [(typeof KINDS)[number], number] = [
    'loss',
    Math.floor((epochs.length - 1) / 4),
  ];
  const figure = make('figure', { class: 'distribution' }, make('h3'), make('figcaption'));
  const told = make('output', {}, '');
  const slider = make('input', {
    type: 'range',
    min: '0',
    max: String(epochs.length - 1),
    value: String(place),
    'aria-label': 'epoch',
    oninput: () => {
      place = Number(slider.value);
      draw();
    },
  });
  const kinds = KINDS.map((name) =>
    toggle([name], name === kind, () => {
      kind = name;
      for (const [i, button] of kinds.entries()) {
        button.setAttribute('aria-pressed', String(KINDS[i] === kind));
      }
      draw();
    }),
  );
  const controls = make(
    'div',
    { class: 'controls explore' },
    ...kinds,
    make('label', {}, 'epoch ', slider, ' ', told),
  );
  block.replaceWith(make('h4', {}, 'Losses and margins, epoch by epoch'), controls, figure);
  const view = new FigureView(figure, figureOf());
  draw();

  function draw(): void {
    told.textContent = String(epochs[place]);
    slider.setAttribute('aria-valuetext', `epoch ${epochs[place]}`);
    view.update(figureOf());
  }

  function figureOf(): PageFigure {
    const { range, ...shares } = histograms[kind];
    const [low, high] = range;
    const groups = GROUPS.filter((group) => (shares[group][place] ?? []).length > 0);
    // The same height for all epochs: what moves is the distribution.
    const highest = Math.max(...GROUPS.flatMap((group) => shares[group].flat()), 0);
    const chart: PageChart = {
      x: { title: kind, domain: [low, high], format: '.1f' },
      y: { title: 'share of examples', domain: [0, highest], format: '.0%' },
      means: 'examples',
      conditions: groups.map((group) => NAMES[group]),
      colors: groups.map((group) => knownColor(page, NAMES[group]) ?? GROUPS.indexOf(group)),
      ranges: 'band',
      series: groups.map((group) => {
        const y = shares[group][place]!;
        const x = y.map((_, i) => low + ((i + 0.5) * (high - low)) / y.length);
        return { name: NAMES[group], condition: NAMES[group], split: 'train', x, y };
      }),
    };
    return {
      id: 'distribution',
      title: `${kind === 'loss' ? 'Losses' : 'Margins'} after epoch ${epochs[place]}`,
      caption:
        'Shares of the examples with a changed label and of the others; what lies beyond the axis is at its ends.',
      chart,
    };
  }
}

/** The color that a condition has in the page's other figures. */
function knownColor({ data }: ClientPage, condition: string): number | undefined {
  for (const { chart } of data.figures) {
    const place = chart.means === 'examples' ? chart.conditions.indexOf(condition) : -1;
    if (place >= 0) return chart.colors?.[place];
  }
  return undefined;
}
