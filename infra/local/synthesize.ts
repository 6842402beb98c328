/** Program of `assembly.ts`: synthesizes into the folder it is given, and tells its parent what it fails of. */
const [, , directory = ''] = process.argv;
try {
  // Loaded here, since a definition that makes no sense may fail where it is loaded.
  const { synthesize } = await import('./synthesis.ts');
  synthesize(directory);
} catch (error) {
  const { message, stack } = error as Error;
  process.send?.({ message, stack });
  process.exitCode = 1;
}
