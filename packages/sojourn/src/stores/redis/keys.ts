import { createHash } from 'node:crypto';
import { characterOf, partitionOf, partitions } from '../../lifecycle/token.ts';

/**
 * The names of everything. The partition stands in braces, so that a cluster keeps all of one subject,
 * its sessions, index, events and counter, in one slot.
 */
export class Keys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get epoch(): string {
    return `${this.#prefix}:epoch`;
  }

  session(id: string): string {
    return this.#of(id.charAt(0), `s:${id}`);
  }

  /** Ids of a subject's sessions that have not ended, by their absolute limit. */
  live(subject: string): string {
    return this.#of(characterOfSubject(subject), `l:${subject}`);
  }

  /** Ids of a subject's sessions that have ended, by when they need not be remembered. */
  tombstones(subject: string): string {
    return this.#of(characterOfSubject(subject), `t:${subject}`);
  }

  subject(subject: string): string {
    return this.#of(characterOfSubject(subject), `u:${subject}`);
  }

  /** The subjects that have a record, by when it may be forgotten. */
  subjects(partition: number): string {
    return this.#of(characterOf(partition), 'u');
  }

  /** Numbers of the events that tell how the subject's sessions ended. */
  endings(subject: string): string {
    return this.#of(characterOfSubject(subject), `x:${subject}`);
  }

  /** Numbers of the other events about a subject. */
  history(subject: string): string {
    return this.#of(characterOfSubject(subject), `h:${subject}`);
  }

  counts(partition: number): string {
    return this.#of(characterOf(partition), 'n');
  }

  /** Of a subject's sessions and all that is kept about it. */
  partitionOfSubject(subject: string): number {
    return partitionOf(characterOfSubject(subject));
  }

  /** The events of a subject's partition. */
  eventsOf(subject: string): string {
    return this.events(this.partitionOfSubject(subject));
  }

  /** Events by their number. */
  events(partition: number): string {
    return this.#of(characterOf(partition), 'e');
  }

  /** The latest changes, the newest last. */
  changes(partition: number): string {
    return this.#of(characterOf(partition), 'c');
  }

  /** Where changes of a partition are told; a sharded channel, so that it stays in the partition's slot. */
  channel(partition: number): string {
    return this.#of(characterOf(partition), 'w');
  }

  get channels(): readonly string[] {
    return Array.from({ length: partitions }, (_, partition) => this.channel(partition));
  }

  /** Session ids by when the sweep must look at them. */
  due(partition: number): string {
    return this.#of(characterOf(partition), 'd');
  }

  #of(partition: string, rest: string): string {
    return `${this.#prefix}:{${partition}}:${rest}`;
  }
}

/** The first 6 bits of SHA-256 of the subject, as the character that its sessions' ids begin with. */
export function characterOfSubject(subject: string): string {
  return createHash('sha256').update(subject).digest('base64url').charAt(0);
}

/** What stands in braces, which says in which slot of a cluster a key is. */
export function slotOf(key: string): string {
  return /\{(.)\}/.exec(key)?.[1] ?? '';
}
