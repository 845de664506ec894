import { Worker } from 'node:worker_threads';
import { type BeatRequest, type Heart, startHeart } from './beats.js';

let heart: Heart | undefined;

/**
 * Lets a lock's file grow by a byte now and then: the holder's sign of life, on a thread of its own, since an engine's call
 * or a slow disk may keep the main one busy for longer than anybody waits.
 *
 * @param every Milliseconds.
 * @returns Stops it.
 */
export function keepBeating(path: string, every: number): () => void {
  // Only compiled code has a thread: it can't load TypeScript.
  heart ??= import.meta.url.endsWith('.js') ? heartOnThread() : startHeart();
  heart({ path, every });
  return () => heart?.({ path, every: null });
}

function heartOnThread(): Heart {
  const beating = new Map<string, BeatRequest>();
  const worker = new Worker(new URL('./heart-thread.js', import.meta.url), { execArgv: [] });
  // It must not keep a process that is done.
  worker.unref();
  // Where no thread can be had, the main one does it, though not while it is busy.
  worker.on('error', () => {
    heart = startHeart();
    for (const request of beating.values()) heart(request);
  });
  return (request) => {
    if (request.every === null) beating.delete(request.path);
    else beating.set(request.path, request);
    worker.postMessage(request);
  };
}
