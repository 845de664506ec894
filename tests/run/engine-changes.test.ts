import { describe, expect, it } from 'vitest';
import type { EngineInfo } from '../../src/engines/types.js';
import { engineChange } from '../../src/run/engine-changes.js';

const NOW: EngineInfo = {
  name: 'tensorflow',
  version: '2.21.0',
  device: 'cpu',
  precision: 'float32',
  mode: 'compiled',
  threads: 2,
  onednn: '1',
  own_ops: true,
};

describe('a resumed run says', () => {
  it.each<[Record<string, unknown>, EngineInfo, string]>([
    [{ ...NOW }, { ...NOW, own_ops: false }, 'operations of our own yes, now no'],
    [{ ...NOW, own_ops: false }, NOW, 'operations of our own no, now yes'],
    [{ ...NOW, version: '2.20.0' }, NOW, 'version 2.20.0, now 2.21.0'],
    [{ ...NOW, onednn: '0' }, NOW, 'TF_ENABLE_ONEDNN_OPTS 0, now 1'],
    [{ ...NOW, device: 'NVIDIA H200' }, NOW, 'device NVIDIA H200, now cpu'],
    [{ ...NOW, devices: 8 }, { ...NOW, devices: 2 }, 'devices 8, now 2'],
    [{ ...NOW, name: 'xla', version: '0.10' }, NOW, 'xla 0.10, now tensorflow 2.21.0.'],
    [
      { ...NOW, version: '2.20.0', onednn: '0' },
      NOW,
      'version 2.20.0, now 2.21.0; TF_ENABLE_ONEDNN_OPTS 0, now 1',
    ],
  ])('of %j that it is %j now', (then, now, said) => {
    expect(engineChange(then, now)).toContain(said);
  });

  it('that the operations of our own are gone which every older version had', () => {
    const { own_ops: _, ...older } = NOW;
    expect(engineChange(older, { ...NOW, own_ops: false })).toContain('own yes, now no');
    expect(engineChange(older, NOW)).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>]>([
    ['the same', { ...NOW }],
    ['what an older version did not tell', { name: 'tensorflow', version: '2.21.0' }],
    ['what its config tells', { ...NOW, threads: 7 }],
  ])('nothing of %s', (_, then) => expect(engineChange(then, NOW)).toBeUndefined());

  it('that there were one device where older versions told of none', () => {
    const { name, version } = NOW;
    expect(engineChange({ name, version }, { ...NOW, devices: 2 })).toContain('devices 1, now 2');
    expect(engineChange({ name, version }, { ...NOW, devices: 1 })).toBeUndefined();
  });

  it('nothing of an engine that nobody knows', () =>
    expect(engineChange({}, { ...NOW, own_ops: false })).toBeUndefined());
});
