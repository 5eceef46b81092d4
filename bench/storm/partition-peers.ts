import { hash } from 'node:crypto';

/** Names of other users whose sessions stand in the same partition. */
export function partitionPeers(subject: string, count: number): string[] {
  const partition = (name: string): string => hash('sha256', name, 'base64url').charAt(0);
  const names: string[] = [];
  for (let i = 0; names.length < count; i++) {
    const name = `beside-${subject}-${i}`;
    if (partition(name) === partition(subject)) names.push(name);
  }
  return names;
}
