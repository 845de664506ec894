import { RethinkError } from '../../errors.js';
import { quoted } from '../../text.js';
import { ChannelSums } from '../collect.js';
import { countByClass } from '../inspect/per-class.js';
import { hashStored, type OpenOptions } from '../open.js';
import type { SplitName } from '../types.js';
import { PACK_FORMAT, PACK_VERSION, type PackIndex, packInfo, runsOf } from './index-file.js';
import type { Packable } from './packable.js';
import type { PackPlan, PlannedShard } from './plan.js';
import type { ShardRecord } from './shard-writer.js';
import { splitOf } from './source.js';

/** The index of shards that are all there; their images are read back for its hash. */
export async function buildIndex(
  packable: Packable,
  plan: PackPlan,
  records: ReadonlyMap<PlannedShard, ShardRecord>,
  folder: string,
  { signal, onProgress }: Pick<OpenOptions, 'signal' | 'onProgress'>,
): Promise<PackIndex> {
  const { tree, subset } = packable;
  const sums = new ChannelSums(3);
  for (const [{ split }, record] of records) {
    if (split === 'train') sums.merge(record, record.bytes / 3);
  }
  const packed = (split: SplitName) => packedSplitOf(packable, plan, records, split);
  const { train, test } = tree.images;
  const index: Omit<PackIndex, 'hash'> = {
    format: PACK_FORMAT,
    version: PACK_VERSION,
    plan: plan.id,
    name: packable.name,
    size: plan.size,
    channels: 3,
    classes: tree.classes,
    source: {
      name: packable.source,
      train: subset?.of.train ?? train.length,
      test: subset?.of.test ?? test.length,
    },
    subset: subset ?? null,
    statistics: sums.statistics(),
    decoder: plan.decoder,
    train: packed('train'),
    test: packed('test'),
    bad: badImages(plan, records),
    ...(tree.others.length === 0 ? {} : { others: tree.others }),
  };
  const splits = { train: splitOf(folder, index, 'train'), test: splitOf(folder, index, 'test') };
  const hash = await hashStored(packInfo(index), splits.train, splits.test, {
    signal,
    onProgress,
  });
  return { ...index, hash };
}

/** @throws RethinkError (`data`) where no image of a class could be decoded. */
function packedSplitOf(
  { tree, source }: Packable,
  plan: PackPlan,
  records: ReadonlyMap<PlannedShard, ShardRecord>,
  split: SplitName,
): PackIndex['train'] {
  const shards = plan.shards.filter((shard) => shard.split === split);
  const good = shards.flatMap((shard) => {
    const bad = new Set(records.get(shard)!.bad.map(({ slot }) => slot));
    return shard.images.filter((_, slot) => !bad.has(slot));
  });
  const perClass = countByClass(
    tree.classes,
    good.map(({ label }) => label),
  );
  const empty = tree.classes.find((_, label) => split === 'train' && perClass[label] === 0);
  if (empty !== undefined || good.length === 0) {
    const what = empty === undefined ? `${split} image` : `training image of ${quoted(empty)}`;
    throw new RethinkError('data', `No ${what} in ${source} could be decoded.`);
  }
  return {
    count: good.length,
    perClass,
    indices: runsOf(good.map(({ index }) => index)),
    names: good.map(({ path }) => path),
    shards: shards.flatMap((shard) => {
      const { count, bytes, sha256 } = records.get(shard)!;
      return count === 0 ? [] : [{ file: shard.file, count, bytes, sha256 }];
    }),
  };
}

function badImages(
  plan: PackPlan,
  records: ReadonlyMap<PlannedShard, ShardRecord>,
): PackIndex['bad'] {
  return plan.shards.flatMap((shard) =>
    records.get(shard)!.bad.map(({ slot, reason }) => {
      const { path, split, index } = shard.images[slot]!;
      return { split, index, name: path, reason };
    }),
  );
}
