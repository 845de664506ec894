import { describe, expect, it } from 'vitest';
import { instructionSets, limitAgainstBfloat16, slowBfloat16 } from '../../src/machine/cpu.js';

const cpuinfo = (flags: string) =>
  `processor\t: 0\nmodel name\t: a CPU\nflags\t\t: fpu sse4_1 avx ${flags}\n\nprocessor\t: 1\n`;
const ZEN3 = cpuinfo('avx2');
const CASCADE_LAKE = cpuinfo('avx2 avx512f avx512_vnni');
const ZEN4 = cpuinfo('avx2 avx512f avx512_bf16 avx512_vnni');
const SAPPHIRE_RAPIDS = cpuinfo('avx2 avx512f avx512_vnni avx512_bf16 amx_bf16');
const ARROW_LAKE = cpuinfo('avx2 avx_vnni avx_ne_convert');

describe('the CPU', () => {
  it.each([
    ['with AVX2', ZEN3, ['avx2']],
    ['with AVX-512', CASCADE_LAKE, ['avx2', 'avx512f', 'avx512_vnni']],
    ['with AVX512_BF16', ZEN4, ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16']],
    ['of before AVX2', cpuinfo(''), []],
    ['of another kind', 'processor : 0\nFeatures : fp asimd bf16\n', undefined],
    ['that is not known', '', undefined],
  ])('%s is known by its flags', (_, text, sets) => {
    expect(instructionSets(text)).toEqual(sets);
  });

  it.each([
    ['AVX', []],
    ['AVX2', ['avx2']],
    ['avx2_vnni_2', ['avx2']],
    ['AVX512_CORE', ['avx2', 'avx512f']],
    ['AVX512_CORE_VNNI', ['avx2', 'avx512f', 'avx512_vnni']],
    ['AVX512_CORE_BF16', ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16']],
    ['AVX512_CORE_AMX', ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16']],
    ['', ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16']],
    ['nonsense', ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16']],
  ])('under ONEDNN_MAX_CPU_ISA=%s is used as an older one', (limit, sets) => {
    expect(instructionSets(SAPPHIRE_RAPIDS, limit)).toEqual(sets);
  });

  it('has no more under a limit than without', () => {
    expect(instructionSets(ZEN3, 'AVX512_CORE_AMX')).toEqual(['avx2']);
  });

  it.each([
    ['AVX2', ZEN3, /no instructions for bfloat16.*many times.*engine\.precision=float32\.$/],
    ['conversions alone', ARROW_LAKE, /many times/],
    ['AVX-512 alone', CASCADE_LAKE, /2 to 3 times/],
  ])('with %s is told to be slow in bfloat16', (_, text, sentence) => {
    expect(slowBfloat16(instructionSets(text))).toMatch(sentence);
  });

  it.each([
    ['AVX512_BF16', ZEN4],
    ['AMX', SAPPHIRE_RAPIDS],
    ['nothing known of it', ''],
  ])('with %s is not', (_, text) => {
    expect(slowBfloat16(instructionSets(text))).toBeUndefined();
  });

  it.each([
    ['AVX2', ZEN4, 'AVX2'],
    ['avx', ZEN4, 'avx'],
    ['AVX2', ARROW_LAKE, 'AVX2'],
    ['AVX2', ZEN3, undefined],
    ['AVX512_CORE', ZEN4, undefined],
    [undefined, ZEN4, undefined],
  ])('held to %s may have no bfloat16 left', (isa, text, limit) => {
    const env = isa === undefined ? {} : { ONEDNN_MAX_CPU_ISA: isa };
    expect(limitAgainstBfloat16(env, text)).toBe(limit);
    expect(limitAgainstBfloat16({ ...env, TF_ENABLE_ONEDNN_OPTS: '0' }, text)).toBeUndefined();
  });
});
