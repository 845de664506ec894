import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';

/**
 * Options of the command line; ends the process where they are none.
 *
 * @param {string[]} args
 * @param {object} known
 * @param {Record<string, readonly string[]>} known.lists names and what may stand in each, separated by commas
 * @param {Record<string, number | undefined>} known.numbers names and defaults; all above 0
 * @param {string[]} known.texts @param {string[]} known.flags
 * @param {Record<string, string>} known.defaults of lists (all of it without one) and texts
 * @param {boolean} known.rest whether there may be other words, which are then `rest`
 */
export function readOptions(args, { lists, numbers, texts, flags, defaults, rest = false }) {
  const named = [...Object.keys(lists), ...Object.keys(numbers), ...texts];
  const options = Object.fromEntries([
    ...named.map((name) => [name, { type: 'string' }]),
    ...[...flags, 'help'].map((name) => [name, { type: 'boolean' }]),
  ]);
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: rest });
    const given = { ...defaults, ...values, rest: positionals };
    for (const [name, known] of Object.entries(lists)) {
      given[name] = given[name] === undefined ? known : listOf(given[name]);
      const strange = given[name].find((item) => !known.includes(item));
      if (strange) throw new Error(`--${name}: '${strange}' is none of ${known.join(', ')}`);
    }
    for (const [name, fallback] of Object.entries(numbers)) {
      given[name] = values[name] === undefined ? fallback : Number(values[name]);
      if (given[name] === undefined || given[name] > 0) continue;
      throw new Error(`--${name} is '${values[name]}', and should be a number above 0`);
    }
    return given;
  } catch (error) {
    console.error(`error: ${error.message}\nhint: --help lists the options.`);
    process.exit(2);
  }
}

/** What stands between commas. */
export function listOf(text = '') {
  return text.split(',').filter((item) => item !== '');
}

/** A busy machine halves a peer that waits for its threads by spinning, and not us: such ratios would flatter. */
export function warnIfBusy() {
  const [load] = loadavg();
  if (load < 0.25 * availableParallelism()) return;
  console.error(
    `warning: this machine is busy (load ${load.toFixed(1)} on ${availableParallelism()} cores): the ratios say little.`,
  );
}
