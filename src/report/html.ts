/** Markup that is known to be safe. */
export class Html {
  constructor(readonly markup: string) {}

  toString(): string {
    return this.markup;
  }
}

type Value = Html | string | number | false | Value[];

/** A template for markup: whatever is put into it is text, unless it was made here itself. */
export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  const markup = parts.map((part, i) => (i === 0 ? part : render(values[i - 1]!) + part)).join('');
  return new Html(markup);
}

function render(value: Value): string {
  if (value === false) return '';
  if (value instanceof Html) return value.markup;
  if (Array.isArray(value)) return value.map(render).join('');
  return escapeHtml(String(value));
}

/** Text as it may stand in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
