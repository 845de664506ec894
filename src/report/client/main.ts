import * as compare from './compare.js';
import * as explore from './explore.js';
import * as figures from './figures.js';
import * as live from './live.js';
import { ClientPage, readData } from './page.js';
import * as parallel from './parallel.js';
import * as runView from './run-view.js';
import * as runsTable from './runs-table.js';
import * as sections from './sections.js';
import 'uplot/dist/uPlot.min.css';
import './client.css';
import './runs.css';

const MODULES = [sections, figures, explore, parallel, runsTable, compare, runView, live];

const page = new ClientPage(await readData());
for (const { mount } of MODULES) mount(page);
document.documentElement.classList.add('live');
