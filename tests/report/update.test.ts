import { describe, expect, it } from 'vitest';
import { merged, type PageModel, type PageRun, type Section } from '../../src/report/data.js';
import { updateOf } from '../../src/report/update.js';

const section = (id: string, html = ''): Section => ({ id, title: id, short: id, html });
const run = (id: string, epoch = 1) => ({ id, epoch }) as PageRun;

function model(parts: Partial<PageModel>): PageModel {
  return {
    title: '',
    made: 'then',
    served: true,
    lead: '',
    sections: [],
    figures: [],
    runs: [],
    ...parts,
  };
}

describe('updateOf', () => {
  it('has nothing to say where only the time has changed', () => {
    const runs = [run('a')];
    expect(updateOf(model({ runs }), model({ runs: [run('a')], made: 'now' }))).toBe(null);
  });

  it.each([
    ['one changed', [run('a', 2), run('b')]],
    ['one came between', [run('a'), run('c'), run('b')]],
    ['one went', [run('b')]],
    ['all went', []],
    ['they changed places', [run('b'), run('a')]],
  ])('brings a page to the other model: %s', (_, runs) => {
    const before = model({ runs: [run('a'), run('b')], sections: [section('x')] });
    const after = model({ runs, sections: [section('x')], made: 'now' });
    const update = updateOf(before, after)!;
    expect(update.sections).toBeUndefined();
    expect(merged(before.runs, update.runs)).toEqual(runs);
    const sent = update.runs!.changed.map(({ id }) => id);
    expect(sent.every((id) => id === 'c' || runs[0]?.epoch === 2)).toBe(true);
  });

  it('sends markup of a section that has changed, and of no other', () => {
    const before = model({ sections: [section('x', 'old'), section('y')] });
    const after = model({ sections: [section('x', 'new'), section('y')], lead: 'new' });
    expect(updateOf(before, after)).toEqual({
      made: 'then',
      lead: 'new',
      sections: { changed: [section('x', 'new')], order: ['x', 'y'] },
    });
  });
});
