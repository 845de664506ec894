import { parentPort } from 'node:worker_threads';
import { startHeart } from './beats.js';

/** The thread of `keepBeating`. */
parentPort?.on('message', startHeart());
