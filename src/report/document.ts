import { createHash } from 'node:crypto';
import { printableLines } from '../errors.js';
import { version } from '../version.js';
import { Html, html } from './html.js';
import { STYLE } from './style.js';

export interface DocumentOptions {
  /** Of this page alone, behind the common style sheet. */
  style?: string;
  /** The page's own program, the only one that its policy lets run. */
  script?: string;
  /** Whether that may ask the server that the page comes from; else it reaches nothing. */
  connects?: boolean;
}

/** A whole page: one file that loads nothing, and runs nothing but the script that is given. */
export function htmlDocument(title: string, body: Html, options: DocumentOptions = {}): string {
  const { script } = options;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${new Html(documentPolicy(options))}">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="rethink-gen ${version}">
<title>${title}</title>
`;
  const main = html`</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
`;
  // Neither style nor script has anything of a stranger's in it, and both must stay what their digests say.
  return [
    printableLines(page.markup),
    `<style>${styleOf(options)}</style>\n`,
    printableLines(main.markup),
    script === undefined ? '' : `<script type="module">${script}</script>\n`,
    '</body>\n</html>\n',
  ].join('');
}

const styleOf = ({ style = '' }: DocumentOptions) => STYLE + style;

/** What a browser lets such a page do: its Content-Security-Policy. */
export function documentPolicy(options: DocumentOptions): string {
  const { script, connects = false } = options;
  const parts = [
    "default-src 'none'",
    'img-src data:',
    `style-src ${digestOf(styleOf(options))}`,
    ...(script === undefined ? [] : [`script-src ${digestOf(script)}`]),
    ...(connects ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return parts.join('; ');
}

function digestOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
