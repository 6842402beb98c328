/** What keeps the local stack from starting and the user can change: shown as one line, without a stack trace. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
