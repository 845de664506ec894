type Child = Node | string | false;

/** An element with attributes, of which functions are listeners (`onclick`), and children; text stays text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | ((event: Event) => void)> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== false));
  return element;
}

/** A button that is on or off. */
export function toggle(
  label: Child[],
  pressed: boolean,
  change: (pressed: boolean) => void,
  attributes: Record<string, string> = {},
): HTMLButtonElement {
  const button = make(
    'button',
    {
      type: 'button',
      'aria-pressed': String(pressed),
      ...attributes,
      onclick: () => {
        const now = button.getAttribute('aria-pressed') !== 'true';
        button.setAttribute('aria-pressed', String(now));
        change(now);
      },
    },
    ...label,
  );
  return button;
}

/** Gives the browser a file to keep. */
export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  make('a', { href: url, download: name }).click();
  // Not before the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
