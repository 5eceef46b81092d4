/** Settings of the two connections. FULL: an acknowledged write survives a power cut (on macOS with `fullfsync`). */
export const pragmas = {
  writer: `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
           PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;`,
  // A file of a million sessions fits into what is mapped: its pages are the system's memory, not this process's.
  reader: 'PRAGMA query_only = ON; PRAGMA mmap_size = 1073741824; PRAGMA cache_size = -16384;',
} as const;
