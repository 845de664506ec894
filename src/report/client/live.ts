import type { PageUpdate } from '../data.js';
import { make } from './dom.js';
import type { ClientPage } from './page.js';

/** What is said of the connection; `waiting` before there is one. */
const WORDS = {
  waiting: 'connecting',
  live: 'live',
  lost: 'connection lost, trying again',
  ended: 'ended: rethink-gen serve was stopped',
};
type State = keyof typeof WORDS;

const SOONEST_MS = 1000;
const LATEST_MS = 10_000;

/** Takes in what a server sends, as long as somebody looks. */
export function mount(page: ClientPage): void {
  if (page.data.served) new Connection(page);
}

class Connection {
  /** Read out when it changes; the time beside it would be, with each update. */
  readonly #word = make('span', { role: 'status' });
  readonly #time = make('span');
  readonly #shown = make('p', { class: 'connection' }, this.#word, this.#time);
  #source: EventSource | null = null;
  #timer = 0;
  #pause = SOONEST_MS;
  #state: State = 'waiting';

  constructor(private readonly page: ClientPage) {
    document.querySelector('h1')!.after(this.#shown);
    // A browser has few connections to a server, and hidden tabs would take them all.
    document.addEventListener('visibilitychange', () => this.#follow());
    this.#follow();
  }

  #follow(): void {
    this.#leave();
    if (document.visibilityState === 'hidden') return;
    if (this.#state !== 'live') this.#show(this.#state);
    // What has come since then was missed, by a hidden tab or by one of another server before.
    const source = new EventSource(`events?since=${encodeURIComponent(this.page.data.made)}`);
    this.#source = source;
    source.addEventListener('live', () => {
      this.#pause = SOONEST_MS;
      this.#show('live');
    });
    source.addEventListener('update', ({ data }) => {
      this.page.apply(JSON.parse(data) as PageUpdate);
      this.#show('live');
    });
    source.addEventListener('ended', () => this.#again('ended'));
    source.onerror = () => this.#again(this.#state === 'ended' ? 'ended' : 'lost');
  }

  /** Tries once more, less and less often: the server may be started again. */
  #again(state: State): void {
    this.#leave();
    this.#show(state);
    this.#timer = window.setTimeout(() => this.#follow(), this.#pause);
    this.#pause = Math.min(LATEST_MS, this.#pause * 2);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #show(state: State): void {
    this.#state = state;
    this.#shown.dataset.state = state;
    if (this.#word.textContent !== WORDS[state]) this.#word.textContent = WORDS[state];
    this.#time.textContent = `, as of ${new Date(this.page.data.made).toLocaleTimeString()}`;
  }
}
