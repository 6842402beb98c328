export const Json = ({ value }: { readonly value: unknown }) => (
  <pre>{typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</pre>
);
