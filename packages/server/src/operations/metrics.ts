import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type CacheCounts, lagBounds } from 'sojourn';
import type { Context } from '../context.ts';

/** How often the event loop's delay is looked at; what it shows is how much later than that it was. */
const resolution = 20;
const loop = monitorEventLoopDelay({ resolution });

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** A number, one for each value of a label, or a histogram in seconds. */
  readonly value: number | Labelled | CacheCounts['lag'];
}

interface Labelled {
  readonly label: string;
  readonly values: ReadonlyMap<string, number>;
}

/** `GET /metrics` in Prometheus' text format. Numbers about all sessions together: no id, no subject, no address. */
export function showMetrics(context: Context, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const text = metricsOf(context).map(written).join('');
  loop.reset();
  return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
}

/** Begins to watch the event loop; the answer ends that. */
export function watchLoop(): () => void {
  loop.enable();
  return () => loop.disable();
}

function metricsOf({ sessions, feed }: Context): readonly Metric[] {
  const { touchesDropped, noticesDropped, anonymousRefused, cache } = sessions.counts;
  const { rss, heapUsed } = process.memoryUsage();
  return [
    counter('sojourn_events_total', 'Events of sessions, by type, in the store that this server follows.', {
      label: 'type',
      values: feed.counts,
    }),
    counter('sojourn_touches_dropped_total', 'Uses of a session that were not written down.', touchesDropped),
    counter('sojourn_notices_dropped_total', 'Refused tokens that were not counted.', noticesDropped),
    counter('sojourn_anonymous_refused_total', 'Visits that got no session: too many a minute.', anonymousRefused),
    ...(cache ? cacheMetrics(cache) : []),
    gauge('nodejs_eventloop_lag_p50_seconds', 'Median delay of the event loop since it was last asked for.', lag(50)),
    gauge('nodejs_eventloop_lag_p99_seconds', 'The same at the 99th percentile.', lag(99)),
    gauge('nodejs_eventloop_lag_max_seconds', 'The longest of them.', lag(100)),
    gauge('process_resident_memory_bytes', 'Memory of the process.', rss),
    gauge('nodejs_heap_size_used_bytes', 'Memory of that in use on the heap.', heapUsed),
    gauge('process_uptime_seconds', 'Seconds since the process started.', process.uptime()),
  ];
}

/** docs/cache.md says what each is for. */
function cacheMetrics(cache: CacheCounts): readonly Metric[] {
  const { hits, misses, bypasses, beats, beatsFailed, provedAgo } = cache;
  return [
    counter('sojourn_cache_lookups_total', 'Look-ups, by what came of what this process remembers.', {
      label: 'result',
      values: new Map([['hit', hits], ['miss', misses], ...Object.entries(bypasses)]),
    }),
    counter('sojourn_cache_beats_total', 'Questions to the engine what has changed.', {
      label: 'result',
      values: new Map([
        ['proved', beats],
        ['failed', beatsFailed],
      ]),
    }),
    counter('sojourn_cache_overtaken_total', 'Reads that a change overtook and that were not kept.', cache.overtaken),
    counter('sojourn_cache_evicted_total', 'Sessions that were put out for others.', cache.evicted),
    counter('sojourn_cache_partitions_lost_total', 'Partitions emptied without knowing why.', cache.partitionsLost),
    gauge('sojourn_cache_entries', 'Sessions that this process remembers.', cache.entries),
    gauge('sojourn_cache_bytes', 'Memory that they take, as estimated.', cache.bytes),
    gauge('sojourn_cache_bound_seconds', 'For how long a proof that nothing changed holds.', cache.bound / 1000),
    ...(provedAgo === null
      ? []
      : [gauge('sojourn_cache_proof_age_seconds', 'Since the oldest proof that nothing changed.', provedAgo / 1000)]),
    gauge('sojourn_engine_clock_ahead_seconds', 'The engine’s clock less this machine’s.', cache.clockAhead / 1000),
    {
      name: 'sojourn_cache_change_lag_seconds',
      type: 'histogram',
      help: 'From a change in the engine until what was remembered of it is dropped.',
      value: cache.lag,
    },
  ];
}

function counter(name: string, help: string, value: Metric['value']): Metric {
  return { name, help, type: 'counter', value };
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: 'gauge', value };
}

/** In seconds; 0 before anything was measured. */
function lag(percentile: number): number {
  return loop.count === 0 ? 0 : Math.max(0, loop.percentile(percentile) / 1e6 - resolution) / 1000;
}

function written({ name, type, help, value }: Metric): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples(name, value), ''].join('\n');
}

function samples(name: string, value: Metric['value']): readonly string[] {
  if (typeof value === 'number') return [`${name} ${value}`];
  if ('label' in value) return [...value.values].map(([of, count]) => `${name}{${value.label}="${of}"} ${count}`);
  return [
    ...value.counts.map((count, at) => `${name}_bucket{le="${(lagBounds[at] ?? 0) / 1000}"} ${count}`),
    `${name}_bucket{le="+Inf"} ${value.count}`,
    `${name}_sum ${value.sum / 1000}`,
    `${name}_count ${value.count}`,
  ];
}
