import type { Section } from '../data.js';
import { make } from './dom.js';
import type { ClientPage } from './page.js';

/** Puts markup that a server sends where it belongs. */
export function mount(page: ClientPage): void {
  page.onUpdate(({ lead, sections }) => {
    if (lead !== undefined) document.getElementById('lead')!.innerHTML = lead;
    if (sections === undefined) return;
    const main = document.querySelector('main')!;
    for (const old of main.querySelectorAll(':scope > section[id]:not([data-own])')) {
      if (!sections.order.includes(old.id)) old.remove();
    }
    for (const section of sections.changed)
      (document.getElementById(section.id) ?? added(section)).querySelector('.text')!.innerHTML =
        section.html;
    // Moving only what has to move: whoever reads keeps their place.
    let before: Element | null = null;
    for (const id of sections.order) {
      const element = document.getElementById(id)!;
      if (before !== null && before.nextElementSibling !== element && !follows(before, element)) {
        before.after(element);
      }
      before = element;
    }
  });
}

function follows(before: Element, element: Element): boolean {
  return Boolean(before.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING);
}

function added({ id, title }: Section): HTMLElement {
  const text = make('div', { class: 'text' });
  const section = make('section', { id }, make('h2', {}, title), text);
  document.querySelector('main')!.append(section);
  return section;
}
