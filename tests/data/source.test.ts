import { describe, expect, it } from 'vitest';
import {
  DATASET_NAMES,
  type DatasetName,
  hasOwnImages,
  type OwnName,
  type PublishedName,
} from '../../src/config/datasets.js';
import { OWN, type OwnLayout } from '../../src/data/own.js';
import { PUBLISHED } from '../../src/data/published/catalog.js';
import { LAYOUTS } from '../../src/data/published/locate.js';
import type { FormName, FormOf, Layout, PublishedSpec } from '../../src/data/published/types.js';
import { ACCESS, describeDataset, knownShape, missingData } from '../../src/data/source.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

describe('every data set', () => {
  it.each(DATASET_NAMES)('%s is told, looked for and listed', async (name) => {
    const known = describeDataset({ name });
    const told = !hasOwnImages(name) && name !== 'arrays';
    expect(known?.name).toBe(told ? name : undefined);
    expect(knownShape({ name })?.classes).toBe(
      known?.classes.length ?? (name === 'imagenet' ? 1000 : undefined),
    );
    const dir = `${temporaryFolder()}/nowhere`;
    const sentence = missingData({ name, dir }, undefined);
    if (name === 'synthetic') expect(sentence).toBeUndefined();
    else expect(sentence).toBe(`data.dir is ${dir}, and there is no such file or folder.`);
    const { counts, get } = await ACCESS[name].list(temporaryFolder());
    expect(counts).toEqual(known?.counts);
    expect(get).toContain(name === 'synthetic' ? 'generated' : name);
  });

  it('without its row, or with half of one, does not compile', () => {
    const { mnist, ...published } = PUBLISHED;
    // @ts-expect-error a published data set is missing
    const someSpecs: Record<PublishedName, PublishedSpec> = published;
    const { forms, ...formless } = mnist;
    // @ts-expect-error one has no form
    const halfSpecs: Record<PublishedName, PublishedSpec> = { ...published, mnist: formless };
    const { idx, ...layouts } = LAYOUTS;
    // @ts-expect-error a layout is missing
    const someLayouts: { [L in FormName]: Layout<FormOf<L>> } = layouts;
    const { find, ...halfLayout } = idx;
    // @ts-expect-error one does not find its copies
    const halfLayouts: { [L in FormName]: Layout<FormOf<L>> } = { ...layouts, idx: halfLayout };
    const { imagenet, ...own } = OWN;
    // @ts-expect-error images of the user's own are missing
    const someOwn: Record<OwnName, OwnLayout> = own;
    const { open, ...halfOwn } = imagenet;
    // @ts-expect-error one can't be opened
    const allOwn: Record<OwnName, OwnLayout> = { ...own, imagenet: halfOwn };
    const { synthetic, ...access } = ACCESS;
    // @ts-expect-error a data set that nobody reads
    const someAccess: Record<DatasetName, typeof synthetic> = access;
    const whole = [halfSpecs, halfLayouts, allOwn, ACCESS];
    const lacking = [someSpecs, someLayouts, someOwn, someAccess];
    expect(lacking.map((table) => Object.keys(table).length + 1)).toEqual(
      whole.map((table) => Object.keys(table).length),
    );
    expect([forms, find, open].every((part) => part !== undefined)).toBe(true);
  });
});
