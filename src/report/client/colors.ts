import { COLORS, DARK, GROUND, INK } from '../charts/theme.js';

const dark = matchMedia('(prefers-color-scheme: dark)');

/** The palette and the ink of the page as it is shown now. */
export function palette() {
  const at = dark.matches ? 1 : 0;
  return {
    series: dark.matches ? DARK : COLORS,
    text: INK.text[at]!,
    grid: INK.grid[at]!,
    axis: INK.axis[at]!,
    ground: dark.matches ? GROUND.dark : GROUND.light,
  };
}

export function onPalette(change: () => void): void {
  dark.addEventListener('change', change);
}
