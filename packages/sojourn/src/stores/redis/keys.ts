import { characterOf, partitions } from '../../lifecycle/token.ts';
import { partitionOfSubject } from '../partition.ts';

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
    return this.#ofSubject(subject, `l:${subject}`);
  }

  /** Ids of a subject's sessions that have ended, by when they need not be remembered. */
  tombstones(subject: string): string {
    return this.#ofSubject(subject, `t:${subject}`);
  }

  subject(subject: string): string {
    return this.#ofSubject(subject, `u:${subject}`);
  }

  /** The subjects that have a record, by when it may be forgotten. */
  subjects(partition: number): string {
    return this.#of(characterOf(partition), 'u');
  }

  /** Numbers of the events that tell how the subject's sessions ended. */
  endings(subject: string): string {
    return this.#ofSubject(subject, `x:${subject}`);
  }

  /** Numbers of the other events about a subject. */
  history(subject: string): string {
    return this.#ofSubject(subject, `h:${subject}`);
  }

  counts(partition: number): string {
    return this.#of(characterOf(partition), 'n');
  }

  /** The events of a subject's partition. */
  eventsOf(subject: string): string {
    return this.events(partitionOfSubject(subject));
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

  #ofSubject(subject: string, rest: string): string {
    return this.#of(characterOf(partitionOfSubject(subject)), rest);
  }

  #of(partition: string, rest: string): string {
    return `${this.#prefix}:{${partition}}:${rest}`;
  }
}

/** What stands in braces, which says in which slot of a cluster a key is: its hash tag. */
export function hashTagOf(key: string): string {
  return /\{(.)\}/.exec(key)?.[1] ?? '';
}
