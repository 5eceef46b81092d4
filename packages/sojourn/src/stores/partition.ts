import { hash } from 'node:crypto';
import { partitionOfSubject as partitionBy } from '../lifecycle/token.ts';

const sha256 = { digest: (text: string): string => hash('sha256', text, 'base64url') };

/** Where a subject's sessions are, and all else that is kept about it: an engine has no hash of its own to be given. */
export function partitionOfSubject(subject: string): number {
  return partitionBy(sha256, subject);
}
