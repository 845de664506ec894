import morphdom from 'morphdom';
import type { Section } from '../data.js';
import { make } from './dom.js';
import type { ClientPage } from './page.js';

/** Puts markup that a server sends where it belongs. */
export function mount(page: ClientPage): void {
  page.onUpdate(({ lead, sections }) => {
    if (lead !== undefined) become(document.getElementById('lead')!, lead);
    if (sections === undefined) return;
    const main = document.querySelector('main')!;
    for (const old of main.querySelectorAll(':scope > section[id]:not([data-own])')) {
      if (!sections.order.includes(old.id)) old.remove();
    }
    for (const section of sections.changed) {
      const element = document.getElementById(section.id) ?? added(section);
      become(element.querySelector('.text')!, section.html);
    }
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

/**
 * Makes an element hold other markup. What is the same in both stays as it is, and so do focus, scrolled tables, parts that
 * were unfolded, and what a module of the page put there for itself (`data-own`).
 */
function become(element: Element, markup: string): void {
  const wanted = element.cloneNode(false) as Element;
  wanted.innerHTML = markup;
  const isOwn = (node: Node) => node instanceof Element && node.hasAttribute('data-own');
  morphdom(element, wanted, {
    childrenOnly: true,
    onBeforeElUpdated: (from, to) => {
      if (from instanceof HTMLDetailsElement) to.toggleAttribute('open', from.open);
      return !isOwn(from) && !from.isEqualNode(to);
    },
    onBeforeNodeDiscarded: (node) => !isOwn(node),
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
