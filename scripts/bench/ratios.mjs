/** The middle of some numbers, or between the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}

/**
 * Ours over a peer, round by round: what slowed the machine down in a round slowed both.
 *
 * @param {number[]} ours images per second of each round
 * @param {number[]} theirs the same, perhaps of fewer rounds
 */
export function ratioOf(ours, theirs) {
  const each = theirs.slice(0, ours.length).map((rate, round) => ours[round] / rate);
  return { median: median(each), min: Math.min(...each), max: Math.max(...each) };
}

/** The fastest of some results, by their medians; failed ones have no rounds. */
export function bestOf(results) {
  const ran = results.filter(({ rounds }) => rounds.length > 0);
  return ran.sort((a, b) => median(b.rounds) - median(a.rounds))[0];
}

/**
 * Whether a form is worth another round: one that is far behind the best of its peer can't become it.
 *
 * @param result of one form @param results of all
 */
export function stillRuns(result, results) {
  if (result.problem !== undefined) return false;
  if (result.group === 'ours') return true;
  const best = bestOf(results.filter(({ group }) => group === result.group));
  return median(result.rounds) >= 0.8 * median(best.rounds);
}

/** Of each engine of ours and each peer: our rate over that of the peer's best form. */
export function verdicts(results) {
  const peers = [...new Set(results.map(({ group }) => group))].filter((group) => group !== 'ours');
  return results
    .filter(({ group, rounds }) => group === 'ours' && rounds.length > 0)
    .flatMap((ours) =>
      peers.flatMap((peer) => {
        const best = bestOf(results.filter(({ group }) => group === peer));
        if (best === undefined) return [];
        return [{ ours: ours.name, peer: best.name, ...ratioOf(ours.rounds, best.rounds) }];
      }),
    );
}

/** One case as text: a row for each contestant, then what it comes to. */
export function report({ model, precision }, results) {
  const ours = results.filter(({ group, rounds }) => group === 'ours' && rounds.length > 0);
  const head = ['', 'images/s', 'range', 'rounds', ...ours.map(({ name }) => `${name} ÷ it`)];
  const rows = results.map((result) => rowOf(result, ours));
  const lines = verdicts(results).map(
    (verdict) => `${verdict.ours} ÷ best form, ${verdict.peer}: ${ratio(verdict)}\n`,
  );
  return `${model}, ${precision}\n${columns([head, ...rows])}${lines.join('')}`;
}

function rowOf({ name, title, group, rounds, problem }, ours) {
  if (problem !== undefined) return [name, `failed: ${problem}`];
  const range = between(Math.min(...rounds), Math.max(...rounds), number);
  const ratios = group === 'ours' ? [] : ours.map((mine) => ratio(ratioOf(mine.rounds, rounds)));
  return [title, number(median(rounds)), range, String(rounds.length), ...ratios];
}

/** A ratio's median, least and greatest. */
export const ratio = ({ median, min, max }) => `${fixed(median)} (${between(min, max, fixed)})`;
const between = (low, high, show) => `${show(low)}–${show(high)}`;
const fixed = (value) => value.toFixed(2);
/** Three digits, or whole. */
export const number = (value) => (value < 100 ? value.toPrecision(3) : value.toFixed(0));

/** Rows of cells, the first to the left; one of two cells is a sentence, and makes no column wider. */
export function columns(rows) {
  const full = rows.filter(({ length }) => length > 2);
  const width = (i) => Math.max(...full.map((row) => row[i]?.length ?? 0));
  const line = ([first, ...rest]) => {
    const cells = rest.length === 1 ? rest : rest.map((cell, i) => cell.padStart(width(i + 1)));
    return [first.padEnd(width(0)), ...cells].join('  ').trimEnd();
  };
  return rows.map((row) => `${line(row)}\n`).join('');
}
