import { dataLabel } from '../config/datasets.js';
import type { Claim } from './claims.js';
import type { Section } from './data.js';
import { examplesSection } from './examples/section.js';
import type { FigurePlan } from './figures/index.js';
import { PARTS } from './figures/titles.js';
import { type Html, html } from './html.js';
import { measuresSection } from './measures/section.js';
import type { Pictures } from './pictures.js';
import type { Report } from './report.js';
import { tableHtml } from './tables/html.js';
import { isMeasured, type Table } from './tables/index.js';

/** The parts of a page in order; figures stand in theirs, behind its text. */
export function sectionsOf(report: Report): Section[] {
  const { theory, damage, environment } = report;
  const parts: [id: string, short: string, title: string, markup: Html | false][] = [
    ['claims', 'Claims', 'What the paper says, and what was seen', claims(report.claims)],
    ['figures', 'Figures', 'Figures', absentFigures(report.plans)],
    ['examples', 'Examples', 'Example by example', examplesOf(report)],
    ['measures', 'Measures', 'Measures of generalization', measuresSection(report.measured)],
    ['tables', 'Tables', "The paper's tables", html`${report.paper.map(paperTable)}`],
    ['theory', 'Theory', 'Theory', isMeasured(theory) && tableHtml(theory)],
    ['pictures', 'Corruptions', 'What the corruptions do', pictures(report.pictures)],
    ['open', 'What was chosen', 'Choices', tableHtml(report.choices)],
    [
      'runs',
      'Runs',
      'Runs and conditions',
      html`${isMeasured(damage) && tableHtml(damage)}
${tableHtml(report.runsTable, { runs: true })}
${isMeasured(environment) && tableHtml(environment)}`,
    ],
  ];
  return parts.flatMap(([id, short, title, markup]) =>
    markup === false ? [] : [{ id, short, title, html: markup.markup }],
  );
}

const examplesOf = ({ examples }: Report) => examples !== undefined && examplesSection(examples);

function claims(all: Claim[]): Html {
  const rows = all.map(
    ({ claim, seen, evidence }) =>
      html`<tr><td>${claim}</td><td class="short ${seen.replace(' ', '-')}">${seen}</td><td class="long">${evidence}</td></tr>`,
  );
  return html`<div class="scroll claims" tabindex="0"><table><thead><tr><th>claim</th><th>seen here</th><th>evidence</th></tr></thead><tbody>${rows}</tbody></table></div>
<p class="note">Seen at the scale of these runs: every number below tells its conditions.</p>`;
}

function absentFigures(plans: readonly FigurePlan[]): Html {
  const absent = (['1a', '1b', '1c', '2a', '2b'] as const).filter(
    (part) => !plans.some((plan) => plan.part === part),
  );
  return html`${absent.length > 0 && html`<p class="note">No runs for ${absent.map((part) => PARTS[part]).join(', ')}.</p>`}`;
}

/** A table that nothing was measured for is folded: the paper's numbers are there for whoever wants them. */
function paperTable(table: Table): Html {
  if (isMeasured(table)) return tableHtml(table);
  return html`<details><summary>${table.title}: not run</summary>${tableHtml(table)}</details>`;
}

/** Every image over its label, and over what the label becomes; below, what its pixels become. */
function pictures({ data, rows, classes, labels }: Pictures): Html {
  const strip = ({ name, png }: Pictures['rows'][number]) =>
    html`<tr><th scope="row">${name}</th><td class="strip" colspan="${classes.length}"><img alt="Ten images of ${dataLabel(data)}: ${name}" src="data:image/png;base64,${png.toString('base64')}"></td></tr>`;
  const named = (what: string, given: readonly string[]) =>
    html`<tr><th scope="row">${what}</th>${given.map(
      (name, i) => html`<td>${name === classes[i] ? name : html`<strong>${name}</strong>`}</td>`,
    )}</tr>`;
  const [first, ...others] = rows;
  return html`<div class="scroll pictures" tabindex="0"><table><tbody>
${strip(first!)}
${named('true labels', classes)}
${labels.map(({ corruption, classes: given }) => named(corruption, given))}
${others.map(strip)}
</tbody></table></div>
<p class="note">The same ten images (${dataLabel(data)}), one in a column. Labels that changed are bold; a label drawn anew may come out the same. Shuffled pixels: one permutation for all images; random pixels: one for each.</p>`;
}
