import type { Changed, PageModel, PageUpdate } from './data.js';

/**
 * What a page that shows one model has to be told to show another. Parts that are the same object in both are not looked
 * into: whoever keeps what can't have changed gets the answer sooner.
 *
 * @returns `null` where nothing but the time has changed.
 */
export function updateOf(before: PageModel, after: PageModel): PageUpdate | null {
  const lead = after.lead === before.lead ? {} : { lead: after.lead };
  const sections = changed(before.sections, after.sections);
  const figures = changed(before.figures, after.figures);
  const runs = changed(before.runs, after.runs);
  const parts = {
    ...lead,
    ...(sections && { sections }),
    ...(figures && { figures }),
    ...(runs && { runs }),
  };
  return Object.keys(parts).length === 0 ? null : { made: after.made, ...parts };
}

function changed<T extends { id: string }>(
  before: readonly T[],
  after: readonly T[],
): Changed<T> | null {
  const known = new Map(before.map((item) => [item.id, item]));
  const same = (item: T) => {
    const old = known.get(item.id);
    return old === item || (old !== undefined && JSON.stringify(old) === JSON.stringify(item));
  };
  const items = after.filter((item) => !same(item));
  const order = after.map(({ id }) => id);
  const moved = order.length !== before.length || before.some(({ id }, i) => id !== order[i]);
  return items.length > 0 || moved ? { changed: items, order } : null;
}
