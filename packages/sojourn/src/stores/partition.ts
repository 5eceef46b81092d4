import { createHash } from 'node:crypto';
import { partitionOf } from '../lifecycle/token.ts';

/** Where a subject's sessions are, and all else that is kept about it. */
export function partitionOfSubject(subject: string): number {
  return partitionOf(createHash('sha256').update(subject).digest('base64url'));
}
