import { describe, expect, it } from 'vitest';
import { prose, reflowed, widthOf, wrapped } from '../src/text.js';

describe('wrapped', () => {
  it('breaks between words, and never before a unit; a word that is longer stays whole', () => {
    expect(prose('Give results/a-long-name/20261130T1 again.\nNext.', 20)).toBe(
      'Give\nresults/a-long-name/20261130T1\nagain.\nNext.',
    );
    expect(wrapped('train 100.00 % in 20 s', 14)).toEqual(['train 100.00 %', 'in 20 s']);
    expect(wrapped('train 100.00 % in 20 s', 13)).toEqual(['train', '100.00 % in', '20 s']);
  });

  it('goes on further in where a line is indented', () => {
    expect(wrapped('  a.yaml:2:24: data.limt is not a known key.', 26)).toEqual([
      '  a.yaml:2:24: data.limt',
      '    is not a known key.',
    ]);
  });

  it('leaves no blanks at the ends of lines', () => {
    expect(wrapped('one  two  three', 8)).toEqual(['one  two', 'three']);
    expect(wrapped('one  two  three', 4)).toEqual(['one', 'two', 'three']);
    expect(wrapped('one      ', 4)).toEqual(['one']);
  });

  it('breaks a long word after a folder, else after another mark, else anywhere, where it may', () => {
    expect(wrapped('/engines/xla_cpu_pjrt/plugin.so', 16, true)).toEqual([
      '/engines/',
      'xla_cpu_pjrt/',
      'plugin.so',
    ]);
    expect(wrapped('a/tensorflow-2.21.0-cpu', 14, true)).toEqual(['a/tensorflow-', '2.21.0-cpu']);
    expect(wrapped('0123456789', 4, true)).toEqual(['0123', '4567', '89']);
  });
});

describe('reflowed', () => {
  const EXAMPLES = `Examples:
  rethink-gen init                      to the screen
  rethink-gen init --from paper/table1  a copy
  rethink-gen init -o my.yaml           into a file that does not exist yet

Prose that has
been broken.`;

  it('leaves examples that fit as they are', () => {
    expect(reflowed(EXAMPLES, 100)).toBe(`${EXAMPLES.replace('has\nbeen', 'has been')}`);
  });

  it('breaks a note within its column where there is room for one, else below the command', () => {
    expect(reflowed(EXAMPLES, 67).split('\n').slice(3, 5)).toEqual([
      '  rethink-gen init -o my.yaml           into a file that does not',
      '                                        exist yet',
    ]);
    expect(reflowed(EXAMPLES, 50).split('\n').slice(4, 6)).toEqual([
      '  rethink-gen init -o my.yaml',
      '      into a file that does not exist yet',
    ]);
  });

  it('continues a long command so that a shell takes it as it stands', () => {
    const command = '  rethink-gen data pack images --out packed --size 128 --classes 100';
    const lines = reflowed(`Examples:\n${command}`, 40).split('\n').slice(1);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(40);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join('\n').replaceAll(/ \\\n +/g, ' ')).toBe(command);
  });
});
