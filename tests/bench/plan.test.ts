import { describe, expect, it } from 'vitest';
import { type BenchRequest, planCases } from '../../src/bench/plan.js';
import type { EngineStatus } from '../../src/engines/kind.js';

const status = (name: EngineStatus['name'], problem: string | null = null): EngineStatus => ({
  name,
  problem,
  installed: problem === null,
  version: null,
  where: null,
  device: 'cpu',
  install: null,
});
const ALL = [status('xla'), status('tensorflow'), status('tensorflow'), status('wasm')];

function plan(request: Partial<BenchRequest>, installed = ALL): string[] {
  const defaults: BenchRequest = {
    models: ['mlp', 'inception'],
    precisions: ['float32'],
    eager: false,
    batchSize: 128,
    device: 0,
    seconds: 5,
    rounds: 3,
  };
  return planCases({ ...defaults, ...request }, installed).map(
    ({ model, engine }) => `${model} ${engine.name} ${engine.precision}`,
  );
}

describe('planCases', () => {
  it('takes each usable engine once, and wasm for nothing that takes hours', () => {
    expect(plan({})).toEqual([
      'mlp xla float32',
      'mlp tensorflow float32',
      'mlp wasm float32',
      'inception xla float32',
      'inception tensorflow float32',
    ]);
    expect(plan({}, [status('xla', 'not installed'), status('wasm')])).toEqual([
      'mlp wasm float32',
    ]);
  });

  it('leaves out what an engine that was not named does not know', () => {
    expect(plan({ precisions: ['float32', 'bfloat16'], models: ['mlp'] })).toEqual([
      'mlp xla float32',
      'mlp xla bfloat16',
      'mlp tensorflow float32',
      'mlp tensorflow bfloat16',
      'mlp wasm float32',
    ]);
    expect(plan({ eager: true, models: ['mlp'] })).toEqual([
      'mlp tensorflow float32',
      'mlp wasm float32',
    ]);
    expect(plan({ threads: 2, models: ['mlp'] })).not.toContain('mlp wasm float32');
  });

  it('leaves nothing out of what was named', () => {
    const request = { engines: ['wasm' as const], precisions: ['bfloat16' as const], eager: true };
    expect(plan(request, [])).toEqual(['mlp wasm bfloat16', 'inception wasm bfloat16']);
  });

  it('refuses a request that leaves nothing', () => {
    expect(() => plan({ models: ['inception'] }, [status('wasm')])).toThrow(
      'None of the engines that are usable here can measure that.',
    );
  });
});
