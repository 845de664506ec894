import type { PageFigure } from '../data.js';
import { make } from './dom.js';
import { FigureView } from './figure-view.js';
import type { ClientPage } from './page.js';

/** Turns every figure into one that can be touched, when it comes near the screen. */
export function mount(page: ClientPage): void {
  const views = new Map<string, FigureView>();
  const near = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const figure = page.data.figures.find(({ id }) => id === target.id);
        if (!isIntersecting || figure === undefined) continue;
        near.unobserve(target);
        views.set(figure.id, new FigureView(target as HTMLElement, figure));
      }
    },
    { rootMargin: '600px' },
  );
  for (const { id } of page.data.figures) near.observe(document.getElementById(id)!);

  page.onUpdate(({ figures }) => {
    if (figures === undefined) return;
    const list = document.querySelector('.figures')!;
    for (const element of list.querySelectorAll('figure')) {
      if (!figures.order.includes(element.id)) {
        near.unobserve(element);
        views.delete(element.id);
        element.remove();
      }
    }
    for (const figure of figures.changed) {
      const view = views.get(figure.id);
      if (view) view.update(figure);
      else if (!document.getElementById(figure.id)) near.observe(added(list, figure));
    }
  });
}

function added(list: Element, { id, title, caption, chart }: PageFigure): HTMLElement {
  const figure = make(
    'figure',
    { id, class: chart.panels ? 'wide newer' : 'newer' },
    make('h3', {}, title),
    make('figcaption', {}, caption),
  );
  list.append(figure);
  return figure;
}
