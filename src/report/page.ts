import { dataLabel } from '../config/datasets.js';
import { counted } from '../text.js';
import { version } from '../version.js';
import type { Claim } from './claims.js';
import { htmlDocument } from './document.js';
import type { Figure, FigurePlan } from './figures/index.js';
import { Html, html } from './html.js';
import type { Pictures } from './pictures.js';
import type { ReportRun } from './runs.js';
import { tableHtml } from './tables/html.js';
import { isMeasured, type Table } from './tables/index.js';

/** All that a page shows. */
export interface Report {
  title: string;
  runs: ReportRun[];
  /** Directories that could not be read at all. */
  damaged: number;
  figures: Figure[];
  claims: Claim[];
  paper: Table[];
  theory: Table;
  choices: Table;
  runsTable: Table;
  damage: Table;
  environment: Table;
  pictures: Pictures;
  made: Date;
}

/** The whole page: one file that loads nothing and runs nothing. */
export function renderPage(report: Report): string {
  const { title } = report;
  const body = html`<p class="faint">Made by rethink-gen ${version} on ${report.made.toISOString().slice(0, 16).replace('T', ' ')} UTC from ${counted(report.runs.length, 'run')}: ${states(report)}. Held against Zhang, Bengio, Hardt, Recht and Vinyals, <a href="https://arxiv.org/abs/1611.03530">Understanding deep learning requires rethinking generalization</a> (ICLR 2017).</p>
<nav><a href="#claims">Claims</a><a href="#figures">Figures</a><a href="#tables">Tables</a>${isMeasured(report.theory) && html`<a href="#theory">Theory</a>`}<a href="#pictures">Corruptions</a><a href="#open">What was chosen</a><a href="#runs">Runs</a></nav>
${claims(report.claims)}
${figures(report.figures)}
<h2 id="tables">The paper's tables</h2>
${report.paper.map(paperTable)}
${isMeasured(report.theory) && html`<h2 id="theory">Theory</h2>${tableHtml(report.theory)}`}
${pictures(report.pictures)}
<h2 id="open">Choices</h2>
${tableHtml(report.choices)}
<h2 id="runs">Runs and conditions</h2>
${isMeasured(report.damage) && tableHtml(report.damage)}
${tableHtml(report.runsTable, { runs: true })}
${isMeasured(report.environment) && tableHtml(report.environment)}`;
  return htmlDocument(title, body);
}

function states({ runs, damaged }: Report): string {
  const counts = new Map<string, number>();
  for (const { state } of runs) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  if (damaged > 0) parts.push(`${damaged} unreadable`);
  return parts.join(', ');
}

function claims(all: Claim[]): Html {
  const rows = all.map(
    ({ claim, seen, evidence }) =>
      html`<tr><td>${claim}</td><td class="short ${seen.replace(' ', '-')}">${seen}</td><td class="long">${evidence}</td></tr>`,
  );
  return html`<h2 id="claims">What the paper says, and what was seen</h2>
<div class="scroll claims" tabindex="0"><table><thead><tr><th>claim</th><th>seen here</th><th>evidence</th></tr></thead><tbody>${rows}</tbody></table></div>
<p class="note">Seen at the scale of these runs: every number below tells its conditions.</p>`;
}

const PARTS: Record<FigurePlan['part'], string> = {
  '1a': 'Figure 1a',
  '1b': 'Figure 1b',
  '1c': 'Figure 1c',
  '2a': 'Figure 2a',
  '2b': 'Figure 2b',
  loss: 'Beyond the paper',
  curves: 'Learning curves',
};

function figures(all: Figure[]): Html {
  const absent = (['1a', '1b', '1c', '2a', '2b'] as const).filter(
    (part) => !all.some((figure) => figure.part === part),
  );
  return html`<h2 id="figures">Figures</h2>
${absent.length > 0 && html`<p class="note">No runs for ${absent.map((part) => PARTS[part]).join(', ')}.</p>`}
<div class="figures">${all.map(
    ({ id, part, title, caption, svg }) =>
      html`<figure id="${id}"><h3>${PARTS[part]}: ${title}</h3>${new Html(svg)}<figcaption>${caption} <a href="figures/${id}.svg">SVG</a> <a href="figures/${id}.png">PNG</a> <a href="figures/${id}.csv">CSV</a></figcaption></figure>`,
  )}</div>`;
}

/** A table that nothing was measured for is folded: the paper's numbers are there for whoever wants them. */
function paperTable(table: Table): Html {
  if (isMeasured(table)) return tableHtml(table);
  return html`<details><summary>${table.title}: not run</summary>${tableHtml(table)}</details>`;
}

function pictures({ data, rows, classes, labels, png, width, height }: Pictures): Html {
  const alt = `Ten images (${dataLabel(data)}), one in a column; in rows: ${rows.join(', ')}.`;
  const table = labels.map(
    ({ corruption, classes: given }) =>
      html`<tr><th scope="row">${corruption}</th>${given.map(
        (name, i) =>
          html`<td class="short">${name === classes[i] ? name : html`<strong>${name}</strong>`}</td>`,
      )}</tr>`,
  );
  return html`<h2 id="pictures">What the corruptions do</h2>
<div class="pictures"><ol>${rows.map((row) => html`<li>${row}</li>`)}</ol><img alt="${alt}" width="${width}" height="${height}" src="data:image/png;base64,${png.toString('base64')}"></div>
<div class="scroll" tabindex="0"><table><thead><tr><th>true labels</th>${classes.map((name) => html`<th>${name}</th>`)}</tr></thead><tbody>${table}</tbody></table></div>
<p class="note">The same ten images (${dataLabel(data)}), one in a column. Shuffled pixels: one permutation for all images; random pixels: one for each. Labels that changed are bold; a label drawn anew may come out the same.</p>`;
}
