/** What a release of version 8 sends and this one does not, as it was then: never changed again. */
export function version8(schema: string): Readonly<Record<string, string>> {
  return {
    commit: `SELECT ${schema}.commit($2::jsonb, $1::bigint) AS committed`,
    commitEach: `SELECT json_agg(${schema}.commit(given.stage, $1::bigint) ORDER BY given.number) AS committed
      FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS given(stage, number)`,
    counters: `SELECT json_agg(counter ORDER BY partition) AS counters FROM ${schema}.partitions`,
    beat: `SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)::float8 AS now, pg_logical_emit_message(true, 'sojourn', '')::text AS written,
      (SELECT json_agg(counter ORDER BY partition) FROM ${schema}.partitions) AS counters,
      (SELECT json_agg(json_build_object('partition', asked.partition, 'number', change.number,
          'mark', change.mark, 'at', change.at, 'id', change.id))
        FROM (
          SELECT partition, counter,
            greatest(coalesce(($2::bigint[])[partition + 1], counter), counter - 1023) AS first
          FROM ${schema}.partitions LIMIT 64
        ) asked
        CROSS JOIN LATERAL (
          SELECT number, mark, at, id FROM ${schema}.changes
            WHERE changes.partition = asked.partition AND number BETWEEN first AND counter
              AND slot >= first % 1024
              AND slot <= CASE WHEN first % 1024 > counter % 1024 THEN 1023 ELSE counter % 1024 END
          UNION ALL
          SELECT number, mark, at, id FROM ${schema}.changes
            WHERE changes.partition = asked.partition AND number BETWEEN first AND counter
              AND first % 1024 > counter % 1024 AND slot <= counter % 1024
          OFFSET 0
        ) change
      ) AS changes`,
    notify: `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, payload)
      FROM unnest($2::text[]) payload`,
    events: `WITH horizon AS MATERIALIZED (SELECT forgotten_before AS at FROM ${schema}.engine LIMIT 1), kept AS MATERIALIZED (
        SELECT partitions.partition, counter, CASE WHEN $1::bigint[] IS NULL
          THEN coalesce((
            SELECT number - 1 FROM ${schema}.events WHERE events.partition = partitions.partition
              AND number > forgotten AND events.at >= (SELECT at FROM horizon) ORDER BY number LIMIT 1
          ), counter)
          ELSE greatest(forgotten, (
            SELECT CASE WHEN next.at < (SELECT at FROM horizon) THEN next.number END FROM (
              SELECT number, events.at FROM ${schema}.events WHERE events.partition = partitions.partition
                AND number > ($1::bigint[])[partitions.partition + 1] ORDER BY number LIMIT 1
            ) next
          ))
        END AS forgotten FROM ${schema}.partitions partitions LIMIT 64
      )
      SELECT
        (SELECT json_agg(counter ORDER BY partition) FROM kept) AS counters,
        (SELECT json_agg(forgotten ORDER BY partition) FROM kept) AS forgotten,
        (SELECT json_agg(json_build_array(one.partition, one.number, one.body)) FROM (
          SELECT event.partition, event.number, event.body FROM kept
          CROSS JOIN LATERAL (
            SELECT partition, number, body, max(at) OVER (ORDER BY number) AS reached FROM ${schema}.events
            WHERE events.partition = kept.partition
              AND number > coalesce(($1::bigint[])[kept.partition + 1], kept.forgotten)
            ORDER BY number LIMIT $2
          ) event
          ORDER BY event.reached, event.partition, event.number LIMIT $2
        ) one) AS events`,
  };
}
