import { wheelArch } from '../install/pinned.js';
import { wheelProblem } from '../install/platform.js';
import { PROJECTS, type Variant } from './wheels.js';

/** Why TensorFlow's wheels can't run on this machine, as the end of a sentence; `undefined` where they can. */
export function platformProblem(variant: Variant = 'cpu'): string | undefined {
  const problem = wheelProblem("TensorFlow's libraries");
  if (problem !== undefined || PROJECTS[variant][wheelArch()!] !== undefined) return problem;
  return `TensorFlow has no ${variant.toUpperCase()} for ${process.arch}; the engine xla has`;
}
