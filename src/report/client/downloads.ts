import type { PageFigure } from '../data.js';
import { download, make } from './dom.js';

/**
 * Buttons that make files of a figure: nothing has to lie beside the page.
 *
 * @param figure As it is by then.
 */
export function downloads(element: HTMLElement, figure: () => PageFigure): HTMLButtonElement[] {
  const button = (label: string, make_: () => Promise<Blob>) =>
    make(
      'button',
      {
        type: 'button',
        'aria-label': `${label} file`,
        onclick: () =>
          void make_().then((blob) => download(`${figure().id}.${label.toLowerCase()}`, blob)),
      },
      label,
    );
  const picture = () => pictureOf(element);
  const text = async () => svgText(await picture());
  return [
    ...(element.matches('.newer') || element.querySelector(':scope > svg')
      ? [
          button('SVG', async () => new Blob([await text()], { type: 'image/svg+xml' })),
          button('PNG', async () => pngOf(await picture())),
        ]
      : []),
    button('CSV', async () => new Blob([csvText(figure())], { type: 'text/csv' })),
  ];
}

/** The one that came with the page, or where its numbers are newer, the server's. */
async function pictureOf(element: HTMLElement): Promise<SVGSVGElement> {
  if (!element.matches('.newer')) return element.querySelector<SVGSVGElement>(':scope > svg')!;
  const answer = await fetch(`figures/${element.id}.svg`);
  if (!answer.ok) throw new Error(await answer.text());
  const parsed = new DOMParser().parseFromString(await answer.text(), 'image/svg+xml');
  return parsed.documentElement as unknown as SVGSVGElement;
}

function svgText(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const ground = document.createElementNS(svg.namespaceURI, 'rect');
  for (const [name, value] of [
    ['width', '100%'],
    ['height', '100%'],
    ['fill', '#ffffff'],
  ] as const) {
    ground.setAttribute(name, value);
  }
  copy.prepend(ground);
  return new XMLSerializer().serializeToString(copy);
}

/** Three pixels for each of its own. */
async function pngOf(svg: SVGSVGElement): Promise<Blob> {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(svg))}`;
  await picture.decode();
  const [width, height] = ['width', 'height'].map((name) => Number(svg.getAttribute(name)));
  const canvas = make('canvas', { width: String(3 * width!), height: String(3 * height!) });
  canvas.getContext('2d')!.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture')))),
  );
}

/** Every point, as `figures/*.csv` has them. */
export function csvText({ chart }: PageFigure): string {
  const rows = chart.series.flatMap(({ name, x, y, low, high, atLeast }) => [
    ...x.map((value, i) => [name, value, y[i]!, low?.[i] ?? y[i]!, high?.[i] ?? y[i]!, '']),
    ...(atLeast?.x ?? []).map((value, i) => {
      const bound = atLeast!.y[i]!;
      return [name, value, bound, bound, bound, 'at least'];
    }),
  ]);
  const head = ['series', chart.x.title, chart.y.title, 'low', 'high', 'bound'];
  return [head, ...rows].map((row) => `${row.map(csvCell).join(',')}\n`).join('');
}

/** Quoted where it has to be; never what a spreadsheet takes for a formula. */
function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
