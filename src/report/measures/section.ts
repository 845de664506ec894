import { MEASURES } from '../../results/measures.js';
import { counted, grouped } from '../../text.js';
import { type Html, html } from '../html.js';
import type { ReportRun } from '../runs.js';
import { type Correlation, LEAST_RUNS, type MeasuredRuns } from './compare.js';
import { tauDeviation } from './kendall.js';

const coefficient = (value: number | null | undefined) =>
  value === null || value === undefined ? '–' : value.toFixed(2).replace('-', '−');

/** The section of a key is left out: a row of long names has no room for numbers. */
const psiOf = (key: string) => `ψ ${key.split('.').at(-1)}`;

/** With n where not all runs have the measure. */
const tauOf = ({ tau, n }: Correlation, runs: number) =>
  n === runs || tau === null
    ? coefficient(tau)
    : html`${coefficient(tau)} <small>(n = ${n})</small>`;

/** The part of a page on measures of generalization. */
export function measuresSection(all: readonly MeasuredRuns[]): Html | false {
  return all.length > 0 && html`${all.map(dataHtml)}`;
}

function dataHtml(measured: MeasuredRuns): Html {
  const { about, runs, clean, keys, corruptionKeys, rows, notes } = measured;
  const withClean = clean.length >= LEAST_RUNS;
  const corrupted = runs.length > clean.length;
  const rank = ({ clean, all }: MeasuredRuns['rows'][number]) =>
    (withClean ? clean.tau : all.tau) ?? Number.NEGATIVE_INFINITY;
  const sorted = rows.toSorted((a, b) => rank(b) - rank(a));
  const head = [
    ...(withClean ? [`τ, true labels, n = ${clean.length}`] : []),
    ...(corrupted ? [`τ, all labels, n = ${runs.length}`] : []),
    ...(withClean ? keys.map(psiOf) : []),
    ...(withClean && keys.length > 1 ? ['Ψ'] : []),
    ...(corrupted ? corruptionKeys.map(psiOf) : []),
  ];
  const body = sorted.map(({ name, clean: ofClean, all }) => {
    const cells = [
      ...(withClean ? [tauOf(ofClean, clean.length)] : []),
      ...(corrupted ? [tauOf(all, runs.length)] : []),
      ...(withClean ? keys.map((key) => coefficient(ofClean.psi[key])) : []),
      ...(withClean && keys.length > 1 ? [coefficient(ofClean.meanPsi)] : []),
      ...(corrupted ? corruptionKeys.map((key) => coefficient(all.psi[key])) : []),
    ];
    const { label, equation } = MEASURES[name];
    return html`<tr><th scope="row" class="short">${label} <span class="faint">(${equation})</span></th>${cells.map((cell) => html`<td class="number">${cell}</td>`)}</tr>`;
  });
  const chance = [...(withClean ? [clean.length] : []), ...(corrupted ? [runs.length] : [])].map(
    (n) => `±${(1.96 * tauDeviation(n)).toFixed(2)} (n = ${n})`,
  );
  const told = [
    `Of ${counted(runs.length, 'run')}, all stopped by the same train.stop; last training loss ${lossRange(runs)}.`,
    ...notes,
    `Of a measure that has nothing to do with the gap, 95 % of τ lie within ${chance.join(' and ')}.`,
    absentNote(measured),
  ];
  return html`<h3>${about}</h3>
<div class="scroll" tabindex="0"><table><caption>Kendall's τ-b of each measure with the generalization gap (Jiang 2020; its equation in brackets)</caption><thead><tr><th>measure</th>${head.map((title) => html`<th class="number">${title}</th>`)}</tr></thead><tbody>${body}</tbody></table></div>
<p class="note">1: a greater measure always goes with a greater gap, as its bound has it; −1: always with a smaller one. ψ: among runs that differ in this key alone, averaged; Ψ: the mean of those. ${corrupted && 'With random labels in, the gap is mostly how many labels are random: what a measure says of true labels, and whether it sees that, stand side by side. '}${told.filter(Boolean).join(' ')}</p>
`;
}

function lossRange(runs: readonly ReportRun[]): string {
  const losses = runs.flatMap(({ result }) => result?.last?.train_loss ?? []);
  const told = (value: number) => value.toPrecision(2);
  return losses.length === 0
    ? 'unknown'
    : `${told(Math.min(...losses))} to ${told(Math.max(...losses))}`;
}

/** Which measures some runs lack, and why. */
function absentNote({ runs }: MeasuredRuns): string {
  const reasons = new Map<string, number>();
  for (const { result } of runs) {
    for (const reason of new Set(Object.values(result?.measures?.absent ?? {}))) {
      if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  }
  return [...reasons].map(([reason, n]) => `${grouped(n)} without some: ${reason}`).join(' ');
}
