import { darkRules, FONT, GROUND } from './charts/theme.js';

/** A cell of a confusion, from none of its row to all of it. */
const SHADES = Array.from(
  { length: 9 },
  (_, i) => `.s${i + 1}{background:color-mix(in srgb,var(--link) ${7 * (i + 1)}%,transparent)}`,
).join('');

/** The page's style sheet: readable on paper, on a phone, in the dark. */
export const STYLE = `
:root{color-scheme:light dark;--ground:${GROUND.light};--text:#24292f;--faint:#59636e;--line:#d8dde3;--soft:#f5f7f9;--link:#0b62a4;--good:#0a6b4f;--bad:#b3261e}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.55 ${FONT}}
main{max-width:1240px;margin:0 auto;padding:24px 20px 64px}
h1{font-size:1.75rem;line-height:1.25;margin:.4em 0 .3em}
h2{font-size:1.3rem;margin:2.4em 0 .6em;padding-bottom:.25em;border-bottom:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.8em 0 .5em}
p,figcaption,li{max-width:76ch}
a{color:var(--link)}
.faint,figcaption,.note{color:var(--faint);font-size:.9rem}
nav{display:flex;flex-wrap:wrap;gap:.3em 1.1em;font-size:.95rem;margin:1.2em 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:32px 36px}
figure{margin:0;min-width:0}
figure h3{margin:0 0 .5em}
figure.wide{grid-column:1/-1}figure.wide svg{max-width:1160px}
figure svg{display:block;width:100%;max-width:560px;height:auto}
figcaption{margin-top:.5em}
.scroll{overflow-x:auto;margin:.6em 0;border:1px solid var(--line);border-radius:6px}
table{border-collapse:collapse;font-size:.875rem;line-height:1.4;width:100%}
th,td{text-align:left;vertical-align:top;padding:5px 8px;border-bottom:1px solid var(--line)}
tbody tr:last-child :is(td,th){border-bottom:0}
thead th{background:var(--soft);white-space:nowrap}
td.number,th.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.long{min-width:18em;color:var(--faint);font-size:.8rem}
td.short,th.short{white-space:nowrap}
td.run{min-width:14em;overflow-wrap:anywhere}
.within,.yes{color:var(--good)}
.off,.did-not-converge,.no{color:var(--bad)}
.within,.yes,.off,.did-not-converge,.no{font-weight:600}
.not-run,.unfinished,.not-comparable,.partly{color:var(--faint)}
td.verdict{min-width:8.5em}
.sample{display:block;white-space:normal;color:var(--faint);font-size:.8rem}
td.because{min-width:8em;color:var(--faint);font-size:.8rem}
td.what{min-width:13em}
details{margin:.8em 0}
summary{cursor:pointer}
.runs td.run{min-width:11em}.runs td.what{min-width:12em}.runs td.short{white-space:normal;min-width:7em}.runs td.long{min-width:15em}
.pictures table{table-layout:fixed;width:1010px;max-width:none;font-size:.75rem}
.pictures :is(td,th){border:0;padding:2px 0;text-align:center;overflow-wrap:anywhere;line-height:1.25}
.pictures th{width:110px;padding:2px 10px 2px 8px;text-align:left;vertical-align:middle;position:sticky;left:0;background:var(--ground)}
.pictures td.strip{padding:3px 0}
.pictures img{display:block;width:100%;height:auto;image-rendering:pixelated}
h4{font-size:.95rem;margin:1.4em 0 .4em}
caption{text-align:left;padding:6px 8px;color:var(--faint)}
.run-examples>summary{font-weight:600}
.confusion{width:auto}.confusion :is(td,th){padding:4px 7px}.confusion thead span{writing-mode:vertical-rl;transform:rotate(180deg)}
.confusion th[scope=row]{position:sticky;left:0;background:var(--ground)}
${SHADES}
.grid{list-style:none;margin:.4em 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(104px,1fr));gap:14px 12px;font-size:.78rem;line-height:1.3}
.grid li{min-width:0;overflow-wrap:anywhere}.grid img{display:block;width:72px;height:auto;image-rendering:pixelated;margin-bottom:3px}.grid span{display:block}
@media (max-width:640px){.runs thead{display:none}.runs tr{display:grid;grid-template-columns:1fr 1fr;gap:2px 12px;padding:8px 10px;border-bottom:1px solid var(--line)}.runs tbody tr:last-child{border:0}.runs td{display:block;min-width:0;border:0;padding:0;text-align:left}.runs td.number::before{content:attr(data-label) " ";color:var(--faint)}.runs td:is(.run,.what,.long){grid-column:1/-1}.claims thead{display:none}.claims tr{display:block;padding:8px 0;border-bottom:1px solid var(--line)}.claims tbody tr:last-child{border:0}.claims td{display:block;min-width:0;border:0;padding:1px 10px}}
@media (max-width:520px){main{padding:16px 14px 48px}.pictures table{width:640px}.pictures th{width:84px}}
@media (prefers-color-scheme:dark){:root{--ground:${GROUND.dark};--text:#e2e5e9;--faint:#a3abb5;--line:#353b43;--soft:#1f242a;--link:#6cb4f5;--good:#5bd0a8;--bad:#ff8f84}${darkRules('svg ')}}
@media print{nav{display:none}.scroll{overflow:visible}}
`;
