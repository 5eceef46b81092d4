/* The words of the rows and columns of `growth`, from which the plot and `docs/capacity.md` are made. */

export function cell(engine: string, sessions: number, nodes: number): string {
  return `${engine}, ${sessions.toLocaleString('en')} sessions, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`;
}

export const columns = {
  asked: 'look-ups/s, asking the engine',
  remembered: 'look-ups/s, from memory',
  signIns: 'sign-ins/s',
  touches: 'touches/s',
  lagMedian: 'lag of a revocation, p50, ms',
  lag: 'lag of a revocation, p99, ms',
} as const;

export const beatRow = (engine: string): string => `${engine}, what a node hears`;
export const beatColumns = {
  beat: 'bytes of a heartbeat',
  change: 'bytes of a change, to one node',
  perSecond: 'heartbeats/s of a node',
} as const;
