/** Settings of the two connections. FULL: an acknowledged write survives a power cut (on macOS with `fullfsync`). */
export const pragmas = {
  writer: `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
           PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;`,
  reader: 'PRAGMA query_only = ON; PRAGMA mmap_size = 268435456; PRAGMA cache_size = -16384;',
} as const;
