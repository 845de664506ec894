import * as explore from './explore.js';
import * as figures from './figures.js';
import * as live from './live.js';
import { ClientPage, readData } from './page.js';
import * as runView from './run-view.js';
import * as sections from './sections.js';
import 'uplot/dist/uPlot.min.css';
import './client.css';

const MODULES = [sections, figures, explore, runView, live];

const page = new ClientPage(await readData());
for (const { mount } of MODULES) mount(page);
document.documentElement.classList.add('live');
