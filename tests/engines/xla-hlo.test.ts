import { describe, expect, it } from 'vitest';
import { called, parseHlo } from '../../src/engines/xla/check/hlo.js';
import { stepCost } from '../../src/engines/xla/check/kernels.js';
import { GPU_TARGET_NAMES, targetConfig } from '../../src/engines/xla/check/targets.js';

/** A loop as XLA writes one, with each kind of kernel once; sizes are such that each shows in the bytes. */
const PROGRAM = `HloModule program, is_scheduled=true, input_output_alias={ {1}: (0, {}, may-alias) }, entry_computation_layout={(f32[8,16]{1,0})->f32[8,16]{1,0}}

%region_add (Arg_0: f32[], Arg_1: f32[]) -> f32[] {
  %Arg_0 = f32[] parameter(0)
  %Arg_1 = f32[] parameter(1)
  ROOT %add = f32[] add(%Arg_0, %Arg_1)
}

%fused_reduce (param_0: bf16[4,10], param_1: s32[]) -> f32[4] {
  %param_0 = bf16[4,10]{1,0} parameter(0)
  %param_1 = s32[] parameter(1)
  %convert = f32[4,10]{1,0} convert(%param_0), metadata={op_name="a \\"quoted) name" source_line=1}
  %zero = f32[] constant(0)
  ROOT %reduce = f32[4]{0} reduce(%convert, %zero), dimensions={1}, to_apply=%region_add
}

%fused_slice (param_0.1: u8[100,4,10], param_1.1: s32[]) -> bf16[4,10] {
  %param_0.1 = u8[100,4,10]{2,1,0} parameter(0)
  %param_1.1 = s32[] parameter(1)
  %null = s32[] constant(0)
  %dynamic-slice = u8[1,4,10]{2,1,0} dynamic-slice(%param_0.1, %param_1.1, %null, %null), dynamic_slice_sizes={1,4,10}
  %bitcast = u8[4,10]{1,0} bitcast(%dynamic-slice)
  ROOT %convert.1 = bf16[4,10]{1,0} convert(%bitcast)
}

%fused_update (param_0.2: f32[100], param_1.2: s32[], param_2.2: f32[4]) -> f32[100] {
  %param_0.2 = f32[100]{0} parameter(0)
  %param_2.2 = f32[4]{0} parameter(2)
  %param_1.2 = s32[] parameter(1)
  %first = f32[1]{0} slice(%param_2.2), slice={[0:1]}
  ROOT %dynamic-update-slice = f32[100]{0} dynamic-update-slice(%param_0.2, %first, %param_1.2)
}

%fused_transpose (param_0.3: f32[8,16], param_1.3: bf16[4,10]) -> (f32[16,8], bf16[10,4]) {
  %param_0.3 = f32[8,16]{1,0} parameter(0)
  %param_1.3 = bf16[4,10]{1,0} parameter(1)
  %weights = f32[16,8]{1,0} transpose(%param_0.3), dimensions={1,0}
  %activations = bf16[10,4]{1,0} transpose(%param_1.3), dimensions={1,0}
  ROOT %both = (f32[16,8]{1,0}, bf16[10,4]{1,0}) tuple(%weights, %activations)
}

%command_buffer (param_0.4: f32[4]) -> f32[4] {
  %param_0.4 = f32[4]{0} parameter(0)
  ROOT %negate = f32[4]{0} negate(%param_0.4)
}

%body (param: (s32[], f32[8,16], u8[100,4,10], f32[100], bf16[1,4], /*index=5*/f32[4])) -> (s32[], f32[8,16]) {
  %param = (s32[], f32[8,16]{1,0}, u8[100,4,10]{2,1,0}, f32[100]{0}, bf16[1,4]{1,0}, /*index=5*/f32[4]{0}) parameter(0)
  %step = s32[] get-tuple-element(%param), index=0
  %state = f32[8,16]{1,0} get-tuple-element(%param), index=1
  %images = u8[100,4,10]{2,1,0} get-tuple-element(%param), index=2
  %losses = f32[100]{0} get-tuple-element(%param), index=3
  %batch = bf16[4,10]{1,0} fusion(%images, %step), kind=kLoop, calls=%fused_slice
  %sums = f32[4]{0} fusion(%batch, %step), kind=kInput, calls=%fused_reduce
  %written = f32[100]{0} fusion(%losses, %step, %sums), kind=kLoop, calls=%fused_update
  %cudnn = (bf16[4,10]{1,0}, u8[64]{0}) custom-call(%batch, %state), custom_call_target="__cudnn$convForward", backend_config={"a":{"b":"(" }}
  %result = bf16[4,10]{1,0} get-tuple-element(%cudnn), index=0
  %turned = (f32[16,8]{1,0}, bf16[10,4]{1,0}) fusion(%state, %result), kind=kInput, calls=%fused_transpose
  %other-layout = bf16[4,10]{0,1} copy(%result)
  %same-layout = bf16[4,10]{1,0} copy(%result)
  %thin = bf16[1,4]{1,0} get-tuple-element(%param), index=4
  %no-transpose = bf16[4,1]{1,0} transpose(%thin), dimensions={1,0}
  %graph = f32[4]{0} call(%sums), to_apply=%command_buffer
  %copy-start = (f32[4]{0}, f32[4]{0}, u32[]) copy-start(%graph)
  %copy-done = f32[4]{0} copy-done(%copy-start)
  %greatest = f32[] reduce(%copy-done, %copy-done), dimensions={0}, to_apply=%region_add
  ROOT %tuple = (s32[], f32[8,16]{1,0}) tuple(%step, %state)
}

%condition (param.1: (s32[], f32[8,16])) -> pred[] {
  %param.1 = (s32[], f32[8,16]{1,0}) parameter(0)
  ROOT %less = pred[] constant(true)
}

ENTRY %main (Arg: f32[8,16]) -> f32[8,16] {
  %Arg = f32[8,16]{1,0} parameter(0)
  %before = f32[8,16]{1,0} copy(%Arg)
  %while = (s32[], f32[8,16]{1,0}) while(%before), condition=%condition, body=%body, backend_config={"known_trip_count":{"n":"3"}}
  ROOT %out = f32[8,16]{1,0} get-tuple-element(%while), index=1
}
`;

describe("XLA's text of an optimized program", () => {
  const program = parseHlo(PROGRAM);

  it('is read: instructions, their arrays and operands, and what they call', () => {
    expect(program.entry.map(({ op }) => op)).toEqual([
      'parameter',
      'copy',
      'while',
      'get-tuple-element',
    ]);
    const [body] = called(program.entry[2]!, 'body', program);
    const named = (name: string) => body!.find((one) => one.name === name)!;
    expect(named('batch')).toMatchObject({ op: 'fusion', operands: ['images', 'step'] });
    expect(named('other-layout').arrays).toEqual([
      { type: 'bf16', shape: [4, 10], layout: [0, 1] },
    ]);
    expect(named('param').arrays).toHaveLength(6);
    expect(named('cudnn')).toMatchObject({ op: 'custom-call', operands: ['batch', 'state'] });
    expect(named('cudnn').attributes).toContain('__cudnn$convForward');
    expect(called(named('sums'), 'calls', program)[0]).toHaveLength(5);
    expect(called(named('sums'), 'body', program)).toEqual([]);
  });

  it.each([
    ['nothing', ''],
    ['another text', 'module @program {\n}\n'],
    ['an instruction cut short', PROGRAM.replace('add(%Arg_0, %Arg_1)', 'add(%Arg_0')],
  ])('is refused where it is %s', (_, text) => {
    expect(() => parseHlo(text)).toThrow();
  });

  it('is counted: what one step starts, reads and writes', () => {
    const cost = stepCost(program, (elements) => elements === 8 * 16);
    // Two fusions, the reduction, the update, cuDNN, the transposes, three copies or transposes, negate, copy, maximum.
    expect(cost.kernels).toBe(11);
    expect(cost.reductions).toBe(2);
    // Of both in one fusion the state's doesn't count; a copy into another layout does, one that moves size 1 does not.
    expect(cost.activationTransposes).toBe(2);
    const bf16 = 4 * 10 * 2;
    const state = 8 * 16 * 4;
    const expected = {
      // The slice alone, the counter, and the result.
      batch: 40 + 4 + bf16,
      sums: bf16 + 4 + 16,
      // The counter, what is written, and the element that was there and is.
      written: 4 + 16 + 2 * 4,
      cudnn: bf16 + state + bf16 + 64,
      turned: state + bf16 + state + bf16,
      copies: 4 * bf16,
      noTranspose: 8 + 8,
      negate: 16 + 16,
      copyStart: 16 + 16 + 16 + 4,
      greatest: 16 + 16 + 4,
    };
    expect(cost.bytesMoved).toBe(Object.values(expected).reduce((a, b) => a + b));
  });

  it('has what several devices exchange in a step counted once, in halves as well', () => {
    const alone = stepCost(program, () => false);
    expect([alone.exchanges, alone.bytesExchanged]).toEqual([0, 0]);
    const several = PROGRAM.replace(
      /(?=%body )/,
      `%async_computation (param_0.5: f32[4]) -> f32[4] {
  %param_0.5 = f32[4]{0} parameter(0)
  ROOT %all-reduce.7 = f32[4]{0} all-reduce(%param_0.5), to_apply=%region_add
}

`,
    ).replace(
      /(?=\n {2}ROOT %tuple = )/,
      `
  %wrapped = ((f32[4]{0}), f32[4]{0}) async-start(%sums), calls=%async_computation
  %unwrapped = f32[4]{0} async-done(%wrapped)
  %gradients = (f32[8,16]{1,0}, f32[4]{0}) all-reduce(%state, %sums), replica_groups={{0,1}}, to_apply=%region_add
  %begun = f32[] all-reduce-start(%greatest), replica_groups={{0,1}}, to_apply=%region_add
  %ended = f32[] all-reduce-done(%begun)
  %gathered = f32[8]{0} all-gather(%sums), dimensions={0}`,
    );
    const cost = stepCost(parseHlo(several), () => false);
    expect(cost.exchanges).toBe(4);
    expect(cost.bytesExchanged).toBe(16 + (8 * 16 * 4 + 16) + 4 + 16);
    expect(cost.kernels).toBe(alone.kernels + 4);
  });

  it('without a loop is the whole program', () => {
    const entry = PROGRAM.replace(
      /%while = .*\n/,
      '%while = (s32[], f32[8,16]{1,0}) tuple(%before)\n',
    );
    expect(stepCost(parseHlo(entry), () => false)).toEqual({
      kernels: 1,
      reductions: 0,
      bytesMoved: 2 * 8 * 16 * 4,
      activationTransposes: 0,
      exchanges: 0,
      bytesExchanged: 0,
    });
  });
});

describe('GPUs that are not here', () => {
  it.each(GPU_TARGET_NAMES)('%s is described as XLA reads it', (name) => {
    const text = targetConfig(name);
    expect(text).toMatch(/cuda_compute_capability \{ major: \d+ minor: 0/);
    expect(text).toMatch(/ {2}core_count: \d{3}\n/);
    // Numbers are whole, but for the clock.
    expect(text.match(/: [\d.]+e/g)).toBeNull();
    expect(text.match(/\{/g)).toHaveLength(text.match(/\}/g)!.length);
  });
});
