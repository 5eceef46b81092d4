import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/*
 * Who watched a session to its end may look at its tombstone, whether or not their cookie has gone by
 * then: the stream hears of an end before the answer that takes the cookie away. The last event carries
 * a leave to look, which this process made and only it can check.
 */

const key = randomBytes(32);

function sealOf(id: string): Buffer {
  return createHmac('sha256', key).update(id).digest();
}

/** The path of the life page as it is after the end of this session. */
export function tombstonePath(id: string): string {
  return `/?${new URLSearchParams({ ended: id, leave: sealOf(id).toString('hex') })}`;
}

/** The ended session that a request may look at; `null` without a leave of this process. */
export function tombstoneOf({ url }: Pick<FastifyRequest, 'url'>): string | null {
  const { searchParams } = new URL(url, 'http://local.invalid');
  const [id, leave] = [searchParams.get('ended'), searchParams.get('leave')];
  if (id === null || leave === null) return null;
  const given = Buffer.from(leave, 'hex');
  const seal = sealOf(id);
  return given.length === seal.length && timingSafeEqual(given, seal) ? id : null;
}
