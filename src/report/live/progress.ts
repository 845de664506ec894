import type { Section } from '../data.js';
import { html } from '../html.js';

/** How far a sweep is, or a run of its own. */
export interface Progress {
  /** Its folder's name. */
  label: string;
  /** 0…1. */
  done: number;
  /** `12 of 40 trials done, 2 running, 26 waiting; at most 50 min left` */
  told: string;
}

/** More would push everything else off the screen. */
const MOST_SHOWN = 8;

/** Bars and sentences on what is under way, on top of a live page. */
export function progressSection(all: readonly Progress[]): Section {
  const shown = all.slice(0, MOST_SHOWN);
  const rows = shown.map(
    ({ label, done, told }) =>
      html`<tr><th scope="row">${label}</th><td><progress max="1" value="${done.toFixed(3)}" aria-label="${label}"></progress></td><td class="told">${told}</td></tr>`,
  );
  const left = all.length - shown.length;
  const table = html`<table class="progress"><tbody>${rows}</tbody></table>`;
  const markup = html`${rows.length > 0 ? table : html`<p class="note">Nothing is under way.</p>`}${left > 0 && html`<p class="note">And ${left} more.</p>`}`;
  return { id: 'progress', title: 'Progress', short: null, html: markup.markup };
}
