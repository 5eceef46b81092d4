/** The application's own accounts; yours stand in a database. */
export interface User {
  readonly id: string;
  readonly permissions: readonly ('orders:read' | 'orders:refund')[];
}

const passwords: ReadonlyMap<unknown, string> = new Map([
  ['ada', 'correct horse'],
  ['bob', 'battery staple'],
]);

export async function checkPassword(name: unknown, password: unknown): Promise<User | null> {
  if (typeof name !== 'string' || typeof password !== 'string' || passwords.get(name) !== password) return null;
  return { id: name, permissions: name === 'ada' ? ['orders:read', 'orders:refund'] : ['orders:read'] };
}
