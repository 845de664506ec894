import { describe, expect, it } from 'vitest';
import { writeView } from '../../src/batches/augment/augment.js';
import { drawColors, recolor } from '../../src/batches/augment/color.js';
import { TrainBatches, type TrainBatchesOptions } from '../../src/batches/batches.js';
import { resolveAugment } from '../../src/config/resolve.js';
import { byteAt, IMAGE_BYTES, positionLabelled, SIZE } from './helpers.js';

const NONE = { crop: false, flip: false, rotation: 0 };
const FULL = { crop: true, flip: true, rotation: 25 };
const MASKS = [
  { name: 'dense1', units: 20 },
  { name: 'dense2', units: 7 },
];
const split = positionLabelled(103);

function batches(options: Partial<TrainBatchesOptions> = {}): TrainBatches {
  return new TrainBatches({
    examples: split,
    size: SIZE,
    batchSize: 10,
    crop: 8,
    augment: NONE,
    masks: [],
    dropout: 0,
    seed: 4,
    ...options,
  });
}

/** A chunk of its own: not a view of buffers that are about to be used again. */
function chunk(from: TrainBatches, epoch: number, first: number, steps: number) {
  return structuredClone(from.chunk(epoch, first, steps, new Float32Array(steps).fill(0.1)));
}

describe('an epoch', () => {
  it('holds every example at most once and drops the last partial batch', () => {
    const train = batches();
    expect([train.batchSize, train.stepsPerEpoch]).toEqual([10, 10]);
    const { labels } = chunk(train, 0, 0, 10);
    expect(labels.length).toBe(100);
    expect(new Set(labels).size).toBe(100);
  });

  it('has one batch of all examples where there are fewer than a batch', () => {
    const train = batches({ batchSize: 128 });
    expect([train.batchSize, train.stepsPerEpoch]).toEqual([103, 1]);
    expect([...chunk(train, 3, 0, 1).labels].sort((a, b) => a - b)).toEqual([...split.labels]);
  });

  it('has an order of its own, which depends on the seed', () => {
    const order = (seed: number, epoch: number) =>
      [...chunk(batches({ seed }), epoch, 0, 10).labels].join();
    expect(new Set([order(4, 0), order(4, 1), order(5, 0), order(5, 1)]).size).toBe(4);
    expect(order(4, 1)).toBe(order(4, 1));
  });

  it('is put in every order alike: no position prefers an example', () => {
    const train = batches();
    const n = 2000;
    let [first, moved] = [0, 0];
    for (let epoch = 0; epoch < n; epoch++) {
      const { labels } = train.chunk(epoch, 0, 10, new Float32Array(10));
      first += labels[0]!;
      moved += Math.abs(labels[50]! - labels[51]!);
    }
    // Uniform on 0…102: mean 51, deviation 29.7; two of them differ by 104/3 on average, deviation 24.6.
    expect(Math.abs(first / n - 51)).toBeLessThan((6 * 29.7) / Math.sqrt(n));
    expect(Math.abs(moved / n - 104 / 3)).toBeLessThan((6 * 24.6) / Math.sqrt(n));
  });
});

describe('a chunk', () => {
  it('holds the center crop of each example, byte for byte', () => {
    const { images, labels, steps } = chunk(batches(), 2, 4, 3);
    expect([steps, images.length, labels.length]).toEqual([3, 30 * 192, 30]);
    let at = 0;
    for (const position of labels) {
      for (let y = 1; y < 9; y++) {
        for (let x = 2; x < 10; x++) {
          for (let c = 0; c < 3; c++) expect(images[at++]).toBe(byteAt(split, position, y, x, c));
        }
      }
    }
  });

  it('takes labels from the examples given and learning rates as they are', () => {
    const labels = split.labels.map((label) => label % 7);
    const rates = Float32Array.of(0.3, 0.2);
    const got = batches({ examples: { ...split, labels } }).chunk(0, 1, 2, rates);
    expect([...got.labels]).toEqual([...chunk(batches(), 0, 1, 2).labels].map((l) => l % 7));
    expect(got.learningRates).toBe(rates);
  });

  it.each([
    ['plain', NONE],
    ['augmented', FULL],
    ['augmented as for ImageNet', resolveAugment('imagenet')],
  ])('%s: is the same in one call, in many, and after a resume', (_, augment) => {
    const options = { augment, masks: MASKS, dropout: 0.3 };
    const whole = chunk(batches(options), 1, 0, 10);
    const train = batches(options);
    chunk(train, 7, 2, 2);
    const resumed = [chunk(train, 1, 3, 1), chunk(train, 1, 4, 6)];
    const bytes = (...parts: Uint8Array[]) => Buffer.concat(parts);
    expect(bytes(...resumed.map((c) => c.images))).toEqual(bytes(whole.images.slice(3 * 1920)));
    expect(resumed.flatMap((c) => [...c.labels])).toEqual([...whole.labels.slice(30)]);
    for (const { name, units } of MASKS) {
      expect(bytes(...resumed.map((c) => c.masks[name]!))).toEqual(
        bytes(whole.masks[name]!.slice(3 * 10 * units)),
      );
    }
  });

  it('changes the colors of the view that is cut', () => {
    const imagenet = resolveAugment('imagenet');
    const { brightness: _b, contrast: _c, saturation: _s, hue: _h, ...shape } = imagenet;
    const cut = chunk(batches({ augment: shape }), 2, 0, 1);
    const colored = chunk(batches({ augment: imagenet }), 2, 0, 1);
    const bytes = cut.images.length / cut.labels.length;
    const expected = cut.images.slice();
    cut.labels.forEach((position, i) => {
      const colors = drawColors(imagenet, 4, 2, split.indices[position]!);
      recolor(expected, i * bytes, bytes / 3, 3, colors);
    });
    expect(colored.images).toEqual(expected);
    expect(colored.images).not.toEqual(cut.images);
  });

  it('augments each example by source index, anew in each epoch, in whatever batch it is', () => {
    const viewsOf = (train: TrainBatches, epoch: number) => {
      const { images, labels } = chunk(train, epoch, 0, train.stepsPerEpoch);
      return new Map(
        [...labels].map((label, i) => [label, images.slice(i * 192, (i + 1) * 192)] as const),
      );
    };
    const small = viewsOf(batches({ augment: FULL }), 0);
    const large = viewsOf(batches({ augment: FULL, batchSize: 50 }), 0);
    const later = viewsOf(batches({ augment: FULL }), 1);
    const shared = [...small.keys()].filter((k) => large.has(k) && later.has(k));
    expect(shared.length).toBeGreaterThan(90);
    for (const k of shared) {
      expect(small.get(k)).toEqual(large.get(k));
      expect(small.get(k)).not.toEqual(later.get(k));
    }
  });

  it('crops at random to real windows of the example', () => {
    const { images, labels } = chunk(batches({ augment: { ...NONE, crop: true } }), 0, 0, 10);
    const used = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const got = Buffer.from(images.subarray(i * 192, (i + 1) * 192));
      const out = new Uint8Array(192);
      let found = 0;
      for (let top = 0; top <= 2; top++) {
        for (let left = 0; left <= 4; left++) {
          const view = { top, left, flip: false, angle: 0 };
          writeView(split.images, labels[i]! * IMAGE_BYTES, SIZE, 8, view, out, 0);
          if (!got.equals(out)) continue;
          found++;
          used.add(`${top},${left}`);
        }
      }
      expect(found).toBe(1);
    }
    // 15 windows, 100 examples: a given one is missed once in a thousand.
    expect(used.size).toBeGreaterThan(10);
  });

  it('outlives the next call, and only that', () => {
    const train = batches();
    const first = train.chunk(0, 0, 2, new Float32Array(2));
    const kept = structuredClone(first);
    const second = train.chunk(0, 2, 2, new Float32Array(2));
    expect(first).toEqual(kept);
    expect(second.images.buffer).not.toBe(first.images.buffer);
    expect(train.chunk(0, 4, 1, new Float32Array(1)).images.buffer).toBe(first.images.buffer);
  });

  it('counts its bytes', () => {
    const train = batches({ masks: MASKS, dropout: 0.5 });
    const { images, masks } = chunk(train, 0, 0, 1);
    const total = Object.values(masks).reduce((sum, m) => sum + m.length, images.length);
    expect(train.bytesPerStep).toBe(total);
  });
});

describe('dropout masks', () => {
  it.each([0.1, 0.5, 0.77])('drop %d of the units, in no pattern', (dropout) => {
    const { masks } = chunk(batches({ masks: [{ name: 'm', units: 500 }], dropout }), 0, 0, 10);
    const mask = masks.m!;
    const n = mask.length;
    expect(mask.every((byte) => byte === 0 || byte === 1)).toBe(true);
    const kept = mask.reduce((sum, byte) => sum + byte, 0) / n;
    const sixSigma = 6 * Math.sqrt((dropout * (1 - dropout)) / n);
    expect(Math.abs(kept - (1 - dropout))).toBeLessThan(sixSigma);
    // Neighbors, rows and quarters of a random word are independent of each other.
    for (const lag of [1, 2, 3, 4, 500]) {
      let both = 0;
      for (let i = lag; i < n; i++) both += mask[i]! * mask[i - lag]!;
      const p = (1 - dropout) ** 2;
      expect(Math.abs(both / (n - lag) - p)).toBeLessThan(10 * Math.sqrt((p * (1 - p)) / n));
    }
  });

  it('differ by step, epoch, name and seed', () => {
    const masks = [
      { name: 'a', units: 20 },
      { name: 'b', units: 20 },
    ];
    const of = (seed: number, epoch: number) =>
      chunk(batches({ masks, dropout: 0.5, seed }), epoch, 0, 10).masks;
    const all = [of(1, 0), of(1, 1), of(2, 0)].flatMap(({ a, b }) =>
      [a!, b!].flatMap((mask) =>
        Array.from({ length: 10 }, (_, s) => mask.slice(s * 200, (s + 1) * 200).join('')),
      ),
    );
    expect(new Set(all).size).toBe(60);
  });

  it('are all ones without dropout', () => {
    const { masks } = chunk(batches({ masks: MASKS }), 0, 0, 2);
    expect(masks.dense1).toEqual(new Uint8Array(400).fill(1));
  });
});

describe('refusals', () => {
  it('refuses an empty training set and a crop that does not fit', () => {
    const empty = { ...split, count: 0 };
    expect(() => batches({ examples: empty })).toThrow('The training set has no example.');
    expect(() => batches({ crop: 11 })).toThrow(/data.crop is 11/);
  });

  it('refuses steps that an epoch does not have', () => {
    const train = batches();
    for (const [first, steps] of [
      [-1, 2],
      [0, 0],
      [9, 2],
    ] as const) {
      expect(() => chunk(train, 0, first, steps)).toThrow(/an epoch has steps 0 to 9/);
    }
  });
});
