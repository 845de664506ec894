import { printableLines } from '../errors.js';
import { version } from '../version.js';
import { Html, html } from './html.js';
import { STYLE } from './style.js';

/**
 * A whole page: one file that loads nothing and runs nothing.
 *
 * @param style Of this page alone, behind the common one.
 */
export function htmlDocument(title: string, body: Html, style = ''): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="rethink-gen ${version}">
<title>${title}</title>
<style>${new Html(STYLE + style)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;
  return printableLines(page.markup);
}
