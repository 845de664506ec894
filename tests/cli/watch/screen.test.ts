import { beforeEach, describe, expect, it, vi } from 'vitest';
import { barLines } from '../../../src/cli/watch/bars.js';
import { Screen } from '../../../src/cli/watch/screen.js';
import { widthOf } from '../../../src/text.js';
import { Captured, onScreen } from '../helpers.js';

let terminal: Captured;
let screen: Screen;
beforeEach(() => {
  vi.useFakeTimers();
  terminal = new Captured();
  terminal.columns = 20;
  screen = new Screen(terminal);
  return () => vi.useRealTimers();
});

const shown = () => onScreen(terminal.text, terminal.columns);
const show = (...lines: string[]) => {
  screen.show(lines);
  vi.advanceTimersByTime(1000);
};

describe('a screen', () => {
  it('keeps its last lines last, whatever is written by whomever', () => {
    screen.write('first\n');
    show('bar 1', 'bar 2');
    expect(shown()).toEqual(['first', 'bar 1', 'bar 2']);
    screen.write('second\nthird\n');
    expect(shown()).toEqual(['first', 'second', 'third', 'bar 1', 'bar 2']);
    show('bar 3');
    expect(shown()).toEqual(['first', 'second', 'third', 'bar 3']);
    screen.show([]);
    expect(shown()).toEqual(['first', 'second', 'third']);
  });

  it('shows the newest in the end, however often it is told', () => {
    for (let i = 0; i <= 100; i++) screen.show([`${i}`]);
    expect(shown()).toEqual(['0']);
    vi.advanceTimersByTime(1000);
    expect(shown()).toEqual(['100']);
    expect(terminal.text.length).toBeLessThan(40);
  });

  it('leaves nothing of the bars or of the ^C that a terminal echoes', () => {
    show('bar 1', 'bar 2');
    // By the terminal itself, where the cursor stands.
    terminal.write('^C');
    screen.write('\nFinishing.\n');
    expect(shown()).toEqual(['Finishing.', 'bar 1', 'bar 2']);
    screen.show([]);
    expect(shown()).toEqual(['Finishing.']);
  });

  it('leaves nothing behind where the terminal was made narrower meanwhile', () => {
    show('a'.repeat(19), 'b'.repeat(19));
    // As a terminal does: what is there is broken anew.
    const before = terminal.text;
    terminal.columns = 10;
    screen.show([]);
    expect(onScreen(before + terminal.text.slice(before.length), 10)).toEqual([]);
  });

  it('wraps what is written between words', () => {
    screen.write('one two three four five six\nnext\n');
    expect(shown()).toEqual(['one two three four', 'five six', 'next']);
  });

  it('has no more lines than the terminal could go back over', () => {
    Object.assign(terminal, { rows: 5 });
    show('1', '2', '3', '4', '5', '6');
    expect(shown()).toEqual(['4', '5', '6']);
  });

  it('goes on with a line that is not finished yet', () => {
    show('bar');
    screen.write('half');
    screen.write(' a line\n');
    expect(shown()).toEqual(['half a line', 'bar']);
  });
});

describe('bars', () => {
  const trial = (label: string) => ({
    label,
    fraction: 0.5,
    fields: [
      'epoch 12/120',
      'train 100.00 %',
      'test 10.00 %',
      'at most 12 min left',
      'loss 0.0123',
      '12,345 images/s',
    ],
  });
  const sweep = {
    label: 'sweep',
    fraction: 0.5,
    fields: ['1 of 2 trials done', 'at most 1 h 5 min left'],
  };

  it.each([60, 79, 80, 109, 110, 200])('fit %i columns, with both accuracies whole', (width) => {
    const rows = [trial('corruption.kind=random-labels,model.name=inception,seed=0'), sweep];
    const lines = barLines(rows, width);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
    expect(lines[0]).toContain('epoch 12/120  train 100.00 %  test 10.00 %');
    expect(lines[0]).toContain('seed=0');
    expect(lines[1]).toContain('1 of 2 trials done  at most 1 h 5 min left');
  });

  it('show more where there is room, the most important first', () => {
    const at = (width: number) => barLines([trial('seed=0')], width)[0]!;
    expect(at(75)).toMatch(/^seed=0 █+░+ epoch 12\/120 {2}train 100\.00 % {2}test 10\.00 %$/);
    expect(at(90)).toMatch(/at most 12 min left$/);
    expect(at(200)).toMatch(/loss 0\.0123 {2}12,345 images\/s$/);
  });

  it('count the columns of wide characters', () => {
    const [line] = barLines([trial('数据目录=训练图像的目录路径一二三四五六七八')], 79);
    expect(widthOf(line!)).toBeLessThanOrEqual(79);
  });

  it('are no wider than a terminal that has room for nothing', () => {
    for (const line of barLines([trial('seed=0'), sweep], 12)) {
      expect(widthOf(line)).toBeLessThanOrEqual(12);
    }
  });
});
